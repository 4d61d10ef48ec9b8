"""Each way to the candidates gives the same orders as looking at all of them, newest first, page by page."""

from typing import Any, Final

import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.order.model import OrderStatus
from oms.domain.order_queries import lists
from oms.domain.order_queries.finding import search
from oms.domain.order_queries.finding.selection import OrderQuery
from tests.shop import SUPPORT, ShopUnderTest, customer
from tests.statements import statements_of

ORDERS: Final = 2 * search.EXAMINED * search.ROUNDS + 100
"""Half of them are more than one page looks at."""
BERLIN: Final = {"name": "Ana Rare", "city": "Berlin"}

# Copies of one order, the n-th with words that say what n is divided by.
_COPIES: Final = """
    WITH first AS (SELECT * FROM orders WHERE reference = 'CART-0'),
    copies AS (
        INSERT INTO orders SELECT (jsonb_populate_record(NULL::orders, to_jsonb(first) || jsonb_build_object(
            'id', gen.id, 'reference', 'CART-' || n, 'status', CASE WHEN n % 10 = 0 THEN 'CANCELLED' ELSE 'PENDING' END,
            'customer_reference', CASE WHEN n % 3 = 0 THEN 'three' ELSE 'ana' END))).*
        FROM first, generate_series(1, :orders) AS n
        CROSS JOIN LATERAL (SELECT ('0199aaaa-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid AS id) AS gen
        RETURNING id, reference),
    numbered AS (SELECT id, CAST(substr(reference, 6) AS int) AS n FROM copies),
    lines AS (INSERT INTO order_lines SELECT id, 1, CASE WHEN n % 2 = 0 THEN 'EVEN' ELSE 'ODD' END, 1, 100, 0
              FROM numbered)
    INSERT INTO order_terms
    SELECT id, term, field FROM numbered CROSS JOIN LATERAL (VALUES
        ('cart' || n, 1), ('berlin', 9), (CASE WHEN n % 2 = 0 THEN 'two' END, 7),
        (CASE WHEN n % 5 = 0 THEN 'five' END, 7), (CASE WHEN n % 700 = 0 THEN 'rare' END, 7),
        ('+' || reverse(lpad(CAST(n AS text), 9, '1')), 6)) AS t(term, field)
    WHERE term IS NOT NULL
"""


@pytest.fixture
async def many(shop: ShopUnderTest) -> ShopUnderTest:
    await shop.stock_up({"EVEN": {"east": 9}, "ODD": {"east": 9}})
    await shop.place({"EVEN": 1}, reference="CART-0", customer="zero")
    await shop.execute(_COPIES, orders=ORDERS)
    return shop


async def walked(shop: ShopUnderTest, viewer: Viewer = SUPPORT, first: int = 100, **query: Any) -> list[int]:
    """The numbers of all orders found, through all pages."""
    numbers: list[int] = []
    after: str | None = None
    while True:
        page = await lists.page(shop.db, viewer, OrderQuery(**query), first=first, after=after)
        numbers += [int(seen.order.reference[5:]) for seen in page.entries]
        if not page.more:
            return numbers
        assert len(page.entries) <= first
        after = page.end or page.entries[-1].cursor


def those(divisor: int, *also: int) -> list[int]:
    return [n for n in range(ORDERS, 0, -1) if all(n % each == 0 for each in (divisor, *also))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rare", those(700)),
        ("rare berlin", those(700)),
        ("berlin", those(1)),
        ("berlin two", those(2)),
        ("five two ber", those(10)),
        ("odd five", [n for n in those(5) if n % 2]),
        ("even", [*those(2), 0]),
        ("hamburg berlin", []),
        ("two odd", []),
        ("CART-", [*those(1), 0]),
        ("CART-1 two", [n for n in those(2) if str(n).startswith("1")]),
        ("cart 777", [777]),
        ("1111 777", [1777, 777]),
        ("b", those(1)),
        ("0199aaaa-0000-7000", those(1)),
    ],
)
async def test_every_order_that_matches_is_found_once_newest_first(
    many: ShopUnderTest, text: str, expected: list[int]
) -> None:
    found = await walked(many, search=text)
    assert sorted(found) == sorted(expected)
    assert [n for n in found if n] == [n for n in expected if n]


async def test_filters_hold_in_a_search(many: ShopUnderTest) -> None:
    cancelled = frozenset({OrderStatus.CANCELLED})
    assert await walked(many, search="berlin", statuses=cancelled) == those(10)
    assert await walked(many, search="CART-1", statuses=cancelled) == [n for n in those(10) if str(n)[0] == "1"]
    assert await walked(many, search="rare", statuses=cancelled) == those(700)


async def test_a_customer_searches_their_own_orders(many: ShopUnderTest) -> None:
    assert await walked(many, customer("three"), search="berlin two") == those(6)
    assert await walked(many, customer("three"), search="rare") == those(2100)
    assert await walked(many, customer("three"), search="even") == those(6)


@pytest.mark.parametrize("text", ["hamburg b", "two odd", "b", "CART-1 odd two", "c a r t 1 1 1 1"])
async def test_one_page_looks_at_a_bounded_number_of_orders(many: ShopUnderTest, text: str) -> None:
    with statements_of(many.db) as sent:
        await lists.page(many.db, SUPPORT, OrderQuery(search=text), first=100, after=None)
    assert len(sent) <= 2 + 4 * search.ROUNDS


async def test_a_page_that_is_not_full_says_where_to_continue(many: ShopUnderTest) -> None:
    page = await lists.page(many.db, SUPPORT, OrderQuery(search="two odd"), first=10, after=None)
    assert page.entries == []
    assert page.more
    assert page.end
