"""Opening stock is what will be ordered, deliberately less for some SKUs, and the same in every run."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from oms.tools.replay.source import olist, uci
from oms.tools.replay.source.cart_order import CartLine, CartOrder
from oms.tools.replay.source.opening_stock import Demand, spread, units_on_hand


def order(source: str, *lines: CartLine) -> CartOrder:
    return CartOrder(source, f"{source}-1", f"{source}-c", "GBP", lines, {})


@given(st.text(min_size=1, max_size=12), st.integers(1, 1_000_000))
def test_spreading_loses_no_unit_and_uses_only_the_replays_warehouses(sku: str, units: int) -> None:
    shares = spread(sku, units)

    assert sum(shares.values()) == units
    assert set(shares) <= set(uci.WAREHOUSES)


@given(st.sampled_from([olist.SOURCE, uci.SOURCE]), st.text(max_size=12), st.integers(1, 1_000_000))
def test_a_place_has_all_that_is_demanded_or_half_of_it(source: str, sku: str, units: int) -> None:
    assert units_on_hand(source, (sku, "w"), units) in (units, units // 2)


def test_a_small_share_of_places_is_short_and_some_have_nothing_at_all() -> None:
    on_hand = Counter(units_on_hand(olist.SOURCE, (f"sku-{n}", "w"), 1) for n in range(10_000))
    assert 100 < on_hand[0] < 300


def test_some_skus_are_in_other_warehouses_and_some_in_two() -> None:
    places = Counter(tuple(spread(f"sku-{n}", 10)) for n in range(10_000))

    assert places[("UCI-A",)] > 9_500
    assert 20 < places[("UCI-B",)] < 100
    assert 20 < places[("UCI-C",)] < 100
    assert 50 < places[("UCI-A", "UCI-B")] < 200


def test_demand_is_summed_over_orders_and_lines_where_the_source_sold_it() -> None:
    demand = Demand()
    demand.add(order("olist", CartLine("a", 2, 1, warehouse_code="w1"), CartLine("a", 3, 1, warehouse_code="w2")))
    demand.add(order("olist", CartLine("a", 5, 1, warehouse_code="w1")))

    stock = demand.opening_stock()

    assert set(stock) == {("a", "w1"), ("a", "w2")}
    assert stock["a", "w1"] in (7, 3)
    assert stock["a", "w2"] in (3, 1)


def test_the_rule_gives_the_same_stock_in_every_run() -> None:
    known = {"22423": {"UCI-A": 100}, "85123A": {"UCI-A": 100}}
    assert {sku: spread(sku, 100) for sku in known} == known
