"""What an amended order keeps while it waits for an answer that may never come."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.domain.access.permissions import Viewer
from oms.domain.allocation.plan import plan
from oms.domain.allocation.rules import HoldLimit, kept
from oms.domain.order.model import OrderStatus
from oms.domain.placing import commands as placing
from oms.domain.placing.request import LineRequest, OrderRequest
from oms.domain.vocabulary.errors import Refused
from tests.shop import CART, ShopUnderTest, customer

ANA = customer("ana")


@pytest.fixture
async def holding(shop: ShopUnderTest) -> ShopUnderTest:
    """Amended orders of customers keep six units; of MUG there are ten in two warehouses, of CUP five."""
    await shop.stock_up({"MUG": {"A": 6, "B": 4}, "CUP": {"A": 5}}, price=1000)
    object.__setattr__(shop.work, "hold", HoldLimit(6))
    return shop


async def placed(shop: ShopUnderTest, viewer: Viewer = ANA, **units: int) -> UUID:
    lines = tuple(LineRequest(sku, quantity) for sku, quantity in units.items())
    async with shop.db.transaction() as tx:
        [result] = await placing.place(tx, [(viewer, OrderRequest("one", "ana", lines, "sandbox-ok"))])
    assert not isinstance(result, Refused)
    await shop.run()
    return result.id


async def unavailable(shop: ShopUnderTest) -> list[tuple[Any, ...]]:
    return await shop.rows("SELECT sku, unavailable FROM order_lines ORDER BY number")


async def test_what_exceeds_the_limit_stays_in_stock_and_counts_as_unavailable(holding: ShopUnderTest) -> None:
    order = await placed(holding, MUG=5, CUP=9)
    assert (await holding.order(order)).status == OrderStatus.CUSTOMER_ACTION_REQUIRED
    assert await unavailable(holding) == [("MUG", 0), ("CUP", 8)]
    assert await holding.levels() == {("MUG", "A"): (6, 5), ("MUG", "B"): (4, 0), ("CUP", "A"): (5, 1)}


async def test_accepting_goes_on_with_what_was_kept(holding: ShopUnderTest) -> None:
    order = await placed(holding, MUG=20)
    await holding.accept(order)
    await holding.run()
    [shipment] = (await holding.order(order)).shipments
    assert [item.quantity for item in shipment.items] == [6]
    assert shipment.booked_at
    assert await holding.levels() == {("MUG", "A"): (6, 6), ("MUG", "B"): (4, 0), ("CUP", "A"): (5, 0)}


async def test_an_order_without_shortage_is_allocated_whole(holding: ShopUnderTest) -> None:
    order = await placed(holding, MUG=10, CUP=5)
    assert (await holding.order(order)).status == OrderStatus.PROCESSING
    assert sum(allocated for _, allocated in (await holding.levels()).values()) == 15


@pytest.mark.parametrize(("of_services", "keeps"), [(False, 15), (True, 6)])
async def test_a_carts_order_keeps_all_unless_the_setting_says_otherwise(
    holding: ShopUnderTest, of_services: bool, keeps: int
) -> None:
    object.__setattr__(holding.work, "hold", HoldLimit(6, of_services=of_services))
    await placed(holding, CART, MUG=99, CUP=99)
    assert sum(allocated for _, allocated in (await holding.levels()).values()) == keeps


async def test_the_timeline_says_why_units_in_stock_are_unavailable(holding: ShopUnderTest) -> None:
    await placed(holding, MUG=20)
    [(data,)] = await holding.rows("SELECT data FROM order_events WHERE type = 'ItemsUnavailable'")
    assert (data["keeps"], data["unavailable"]) == (6, [{"line": 1, "sku": "MUG", "units": 14}])


@given(
    st.dictionaries(st.sampled_from("ABC"), st.integers(1, 9), min_size=1),
    st.dictionaries(st.sampled_from("ABC"), st.dictionaries(st.sampled_from("XYZ"), st.integers(0, 6))),
    st.integers(1, 12),
)
def test_it_keeps_as_much_as_it_may_and_never_more_than_there_is(
    demand: dict[str, int], held: dict[str, dict[str, int]], most: int
) -> None:
    whole = plan(demand, held)
    found = plan(demand, held, at_most=kept(demand, whole, most))
    sent = {sku: sum(part.units.get(sku, 0) for part in found.parts) for sku in demand}
    assert {sku: sent[sku] + found.short.get(sku, 0) for sku in demand} == demand
    assert sum(sent.values()) == min(most, sum(demand.values()) - sum(whole.short.values()))
    assert all(sent[sku] <= demand[sku] - whole.short.get(sku, 0) for sku in demand)
