"""Customers choose their references among their own: nobody can take one away from a cart or from another customer."""

from typing import Any

import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.order_queries import lists, orders
from oms.domain.order_queries.finding.selection import OrderQuery
from oms.domain.placing import commands as placing
from oms.domain.placing.commands import Placed
from oms.domain.placing.request import LineRequest, OrderRequest
from oms.domain.vocabulary.errors import Refused
from tests.shop import CART, COURIER, MANAGER, SUPPORT, ShopUnderTest, customer, together

ANA, BEN = customer("ana"), customer("ben")
NAME = "CART-2000"


async def place(shop: ShopUnderTest, viewer: Viewer, of: str, *, units: int = 1) -> Any:
    """Of a mug, under NAME: the order's id, or the refusal."""
    request = OrderRequest(NAME, of, (LineRequest("MUG", units),), "sandbox-ok")
    async with shop.db.transaction() as tx:
        [result] = await placing.place(tx, [(viewer, request)])
    return result.id if isinstance(result, Placed) else result


@pytest.fixture
async def stocked(shop: ShopUnderTest) -> ShopUnderTest:
    await shop.stock_up({"MUG": {"A": 50}})
    return shop


async def found(shop: ShopUnderTest, viewer: Viewer, name: str) -> Any:
    seen = await orders.of_reference(shop.db, viewer, name)
    return seen and seen.order.id


async def test_what_customers_place_takes_no_reference_from_a_cart_or_another_customer(stocked: ShopUnderTest) -> None:
    of_ana, of_ben = await place(stocked, ANA, "ana"), await place(stocked, BEN, "ben", units=2)
    of_cart = await place(stocked, CART, "cleo", units=3)
    assert len({of_ana, of_ben, of_cart}) == 3
    assert await stocked.rows("SELECT id FROM orders WHERE reference = :name", name=NAME) == [(of_cart,)]
    given = await stocked.rows("SELECT reference FROM orders WHERE own_reference = :name", name=NAME)
    assert len({*given}) == 2
    assert all(name.startswith("C-") and len(name) == 16 for (name,) in given)


async def test_a_customer_repeats_an_order_safely_and_gets_no_other_under_its_reference(stocked: ShopUnderTest) -> None:
    first = await place(stocked, ANA, "ana")
    assert await place(stocked, ANA, "ana") == first
    other = await place(stocked, ANA, "ana", units=2)
    assert isinstance(other, Refused)
    assert {problem.reason.name for problem in other.problems} == {"REFERENCE_TAKEN"}
    assert len(await stocked.rows("SELECT id FROM orders")) == 1


async def test_a_storm_of_a_customers_retries_places_one_order(stocked: ShopUnderTest) -> None:
    results = await together(*(place(stocked, ANA, "ana") for _ in range(20)))
    assert len({str(result) for result in results}) == 1
    assert len(await stocked.rows("SELECT id FROM orders")) == 1


async def test_each_viewer_finds_the_order_that_they_call_so(stocked: ShopUnderTest) -> None:
    of_ana, of_ben = await place(stocked, ANA, "ana"), await place(stocked, BEN, "ben")
    assert await found(stocked, ANA, NAME) == of_ana
    assert await found(stocked, BEN, NAME) == of_ben
    assert await found(stocked, customer("cleo"), NAME) is None
    assert await found(stocked, CART, NAME) is None, "a cart learns from it whether it placed an order"
    assert await found(stocked, SUPPORT, NAME) is None, "two orders are called so"
    of_cart = await place(stocked, CART, "cleo")
    for viewer in (CART, SUPPORT, MANAGER, customer("cleo")):
        assert await found(stocked, viewer, NAME) == of_cart
    assert await found(stocked, ANA, NAME) == of_ana
    assert await found(stocked, COURIER, NAME) is None


async def test_staff_find_an_order_by_its_reference_in_the_shop_and_by_what_its_customer_calls_it(
    stocked: ShopUnderTest,
) -> None:
    of_ana = await place(stocked, ANA, "ana")
    order = await stocked.order(of_ana)
    assert await found(stocked, SUPPORT, NAME) == of_ana
    for viewer in (SUPPORT, ANA):
        assert await found(stocked, viewer, order.reference) == of_ana
    for name in (NAME, order.reference, "CART-2"):
        page = await lists.page(stocked.db, SUPPORT, OrderQuery(search=name), first=9, after=None)
        assert [seen.order.id for seen in page.entries] == [of_ana]


async def test_an_order_is_shown_under_the_name_that_its_viewer_knows(stocked: ShopUnderTest) -> None:
    order = await stocked.order(await place(stocked, ANA, "ana"))
    assert orders.reference_for(ANA, order) == NAME
    assert {orders.reference_for(viewer, order) for viewer in (SUPPORT, COURIER, CART)} == {order.reference}
    of_cart = await stocked.order(await place(stocked, CART, "ana", units=4))
    assert orders.reference_for(ANA, of_cart) == NAME
