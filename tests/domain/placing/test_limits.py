"""What customers may hold without paying for it; carts place as before."""

from dataclasses import replace
from typing import Any

import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.cancellation import commands as cancellation
from oms.domain.placing import commands as placing
from oms.domain.placing.limits import NO_LIMITS, PlacingLimits
from oms.domain.placing.request import LineRequest, OrderRequest
from oms.domain.vocabulary.errors import Refused
from oms.domain.vocabulary.money import NO_AMOUNTS, Amounts
from oms.platform.settings import CannotStart, load_settings
from tests.shop import CART, ShopUnderTest, customer, together
from tests.statements import statements_of

ANA, BEN = customer("ana"), customer("ben")


@pytest.fixture
async def stocked(shop: ShopUnderTest) -> ShopUnderTest:
    await shop.stock_up({"MUG": {"A": 500}, "CUP": {"A": 500}}, price=1000)
    return shop


def request(name: str, of: str = "ana", **units: int) -> OrderRequest:
    lines = tuple(LineRequest(sku, quantity) for sku, quantity in units.items())
    return OrderRequest(name, of, lines, "sandbox-ok")


async def place(shop: ShopUnderTest, limits: PlacingLimits, *requests: OrderRequest, viewer: Viewer = ANA) -> list[Any]:
    """An id, or the reasons of a refusal, for each."""
    async with shop.db.transaction() as tx:
        results = await placing.place(tx, [(viewer, each) for each in requests], limits=limits)
    return [
        {problem.reason.name for problem in result.problems} if isinstance(result, Refused) else result.id
        for result in results
    ]


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (PlacingLimits(order_lines=1), "TOO_MANY_LINES"),
        (PlacingLimits(line_units=2), "QUANTITY_TOO_LARGE"),
        (PlacingLimits(unpaid_units=3), "TOO_MANY_UNPAID_UNITS"),
        (PlacingLimits(unpaid_minor=Amounts((("USD", 3_999),))), "TOO_MUCH_UNPAID"),
    ],
)
async def test_an_order_beyond_a_limit_is_refused_to_customers_and_placed_for_carts(
    stocked: ShopUnderTest, limits: PlacingLimits, reason: str
) -> None:
    too_much = request("a", MUG=1, CUP=3)
    assert await place(stocked, limits, too_much) == [{reason}]
    assert not await stocked.rows("SELECT id FROM orders UNION ALL SELECT id FROM customers")
    for allowed in (replace(limits, **{name: _twice(getattr(limits, name)) for name in fields_of(limits)}), NO_LIMITS):
        [placed] = await place(stocked, allowed, replace(too_much, reference=f"a-{allowed}"[:100]))
        assert not isinstance(placed, set)
    [placed] = await place(stocked, limits, too_much, viewer=CART)
    assert not isinstance(placed, set)


def _twice(limit: Any) -> Any:
    if isinstance(limit, Amounts):
        return Amounts(tuple((currency, 2 * minor) for currency, minor in limit.by_currency))
    return 2 * limit


async def test_the_value_is_limited_in_the_currencies_that_are_named_only(stocked: ShopUnderTest) -> None:
    other = PlacingLimits(unpaid_minor=Amounts((("EUR", 1),)))
    [placed] = await place(stocked, other, request("a", MUG=1, CUP=3))
    assert not isinstance(placed, set)


def test_amounts_are_read_by_currency_and_a_number_alone_is_in_the_default_one() -> None:
    assert Amounts.parsed("0", "USD") == NO_AMOUNTS
    assert not NO_AMOUNTS
    assert Amounts.parsed("500", "BRL").by_currency == (("BRL", 500),)
    both = Amounts.parsed("1000 USD, 900 EUR,0 JPY", "BRL")
    assert [both.of(currency) for currency in ("USD", "EUR", "JPY", "BRL")] == [1000, 900, 0, 0]


@pytest.mark.parametrize("wrong", ["-1", "5 usd", "USD 5", "5 USD 6 EUR", ""])
def test_other_texts_are_no_amounts(wrong: str) -> None:
    with pytest.raises(CannotStart):
        load_settings(customer_unpaid_minor=wrong)


def fields_of(limits: PlacingLimits) -> list[str]:
    return [name for name in limits.__slots__ if getattr(limits, name)]


async def test_units_and_value_count_until_they_are_paid(stocked: ShopUnderTest) -> None:
    limits = PlacingLimits(unpaid_units=5, unpaid_minor=Amounts((("USD", 5_000),)))
    both = {"TOO_MANY_UNPAID_UNITS", "TOO_MUCH_UNPAID"}
    first, second = await place(stocked, limits, request("a", MUG=3), request("b", MUG=3))
    assert second == both, "those of one request count together"
    assert await place(stocked, limits, request("b", MUG=3), request("a", MUG=3)) == [both, first], "a repeat is none"
    await stocked.run("allocation")
    assert await place(stocked, limits, request("b", MUG=3)) == [both], "allocated and not charged"
    assert not isinstance((await place(stocked, limits, request("x", "ben", MUG=3), viewer=BEN))[0], set)
    await stocked.run()
    [second] = await place(stocked, limits, request("b", MUG=3))
    assert not isinstance(second, set), "the first one is paid"


async def test_an_amended_order_counts_with_what_it_keeps_until_it_ends(stocked: ShopUnderTest) -> None:
    limits = PlacingLimits(unpaid_units=600)
    [amended] = await place(stocked, limits, request("a", MUG=550))
    assert await place(stocked, limits, request("b", CUP=51)) == [{"TOO_MANY_UNPAID_UNITS"}]
    await stocked.run()
    [second] = await place(stocked, limits, request("b", CUP=51))
    assert not isinstance(second, set), "50 of the first are unavailable"
    await stocked.run()
    async with stocked.db.transaction() as tx:
        await cancellation.cancel(tx, ANA, amended, None)
    [third] = await place(stocked, limits, request("c", CUP=600))
    assert not isinstance(third, set)


async def test_a_customer_has_so_many_open_orders_and_those_of_a_cart_do_not_count(stocked: ShopUnderTest) -> None:
    limits = PlacingLimits(open_orders=2)
    assert len({*await place(stocked, limits, *(request(f"cart-{n}", MUG=1) for n in range(3)), viewer=CART)}) == 3
    first, _, third = await place(stocked, limits, *(request(f"own-{n}", MUG=1) for n in range(3)))
    assert third == {"TOO_MANY_OPEN_ORDERS"}
    await stocked.run()
    assert await place(stocked, limits, request("own-2", MUG=1)) == [{"TOO_MANY_OPEN_ORDERS"}], "paid, and still open"
    async with stocked.db.transaction() as tx:
        await cancellation.cancel(tx, ANA, first, None)
    [placed] = await place(stocked, limits, request("own-2", MUG=1))
    assert not isinstance(placed, set)


async def test_orders_placed_at_the_same_time_are_counted_one_after_the_other(stocked: ShopUnderTest) -> None:
    limits = PlacingLimits(open_orders=3)
    results = await together(*(place(stocked, limits, request(f"own-{n}", MUG=1)) for n in range(12)))
    placed = [result for [result] in results if not isinstance(result, set)]
    assert len(placed) == len(await stocked.rows("SELECT id FROM orders")) == 3


async def test_a_cart_sends_no_statement_for_the_limits(stocked: ShopUnderTest) -> None:
    await place(stocked, NO_LIMITS, request("first", MUG=1), viewer=CART)
    sent = {}
    for limits in (NO_LIMITS, PlacingLimits(open_orders=1, unpaid_units=1, unpaid_minor=Amounts((("USD", 1),)))):
        with statements_of(stocked.db) as statements:
            await place(stocked, limits, request(f"a-{limits.open_orders}", MUG=1), viewer=CART)
        sent[limits] = list(statements)
    assert len({len(statements) for statements in sent.values()}) == 1, sent
