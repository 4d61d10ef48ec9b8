"""Allocation: as few shipments as possible, then the fewest units split, then the order of codes."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.domain.allocation.plan import Plan, plan, preference

CASES = [
    # demand, stock, what each warehouse sends, shortage
    ({"A": 2}, {"A": {"X": 5}}, {"X": {"A": 2}}, {}),
    ({"A": 2}, {"A": {"Y": 5, "X": 5}}, {"X": {"A": 2}}, {}),
    ({"A": 2, "B": 1}, {"A": {"X": 2, "Y": 2}, "B": {"Y": 1}}, {"Y": {"A": 2, "B": 1}}, {}),
    ({"A": 3}, {"A": {"X": 1, "Y": 2}}, {"X": {"A": 1}, "Y": {"A": 2}}, {}),
    ({"A": 3}, {"A": {"X": 1, "Y": 1}}, {"X": {"A": 1}, "Y": {"A": 1}}, {"A": 1}),
    ({"A": 3}, {}, {}, {"A": 3}),
    ({"A": 1, "B": 1}, {"A": {"X": 1}}, {"X": {"A": 1}}, {"B": 1}),
    # two warehouses either way: fewer units travel apart from their SKU's largest share with Y and Z
    ({"A": 6}, {"A": {"X": 3, "Y": 5, "Z": 3}}, {"X": {"A": 1}, "Y": {"A": 5}}, {}),
]


@pytest.mark.parametrize(("demand", "held", "sent", "short"), CASES)
def test_which_warehouse_sends_what(
    demand: dict[str, int], held: dict[str, dict[str, int]], sent: dict[str, dict[str, int]], short: dict[str, int]
) -> None:
    found = plan(demand, held)
    assert {part.warehouse_code: dict(part.units) for part in found.parts} == sent
    assert dict(found.short) == short


WAREHOUSES = "UVWXYZ"
demands = st.dictionaries(st.sampled_from("ABCD"), st.integers(1, 9), min_size=1)
levels = st.dictionaries(
    st.sampled_from("ABCD"), st.dictionaries(st.sampled_from(WAREHOUSES), st.integers(0, 6), max_size=6)
)


def sent(found: Plan, sku: str) -> int:
    return sum(part.units.get(sku, 0) for part in found.parts)


@given(demands, levels)
def test_all_available_units_are_allocated_and_no_others(
    demand: dict[str, int], held: dict[str, dict[str, int]]
) -> None:
    found = plan(demand, held)
    for sku, units in demand.items():
        assert sent(found, sku) == min(units, sum(held.get(sku, {}).values()))
        assert sent(found, sku) + found.short.get(sku, 0) == units
    for part in found.parts:
        assert part.units
        assert all(0 < units <= held[sku][part.warehouse_code] for sku, units in part.units.items())


@given(demands, levels)
def test_no_other_choice_of_warehouses_is_better(demand: dict[str, int], held: dict[str, dict[str, int]]) -> None:
    found = plan(demand, held)
    reachable = {sku: sent(found, sku) for sku in demand if sent(found, sku)}
    chosen = tuple(part.warehouse_code for part in found.parts)
    best = min(
        (len(codes), preference(reachable, held, codes) if codes else (0, ()))
        for size in range(len(WAREHOUSES) + 1)
        for codes in combinations(WAREHOUSES, size)
        if all(sum(held[sku].get(code, 0) for code in codes) >= units for sku, units in reachable.items())
        and (codes or not reachable)
    )
    assert (len(chosen), preference(reachable, held, chosen) if chosen else (0, ())) == best


def test_a_search_too_large_to_finish_still_allocates_everything() -> None:
    demand = {f"SKU-{n}": 40 for n in range(60)}
    held = {sku: {f"W{(n * 7 + k * 11) % 97:02}": 3 for k in range(20)} for n, sku in enumerate(demand)}
    found = plan(demand, held)
    assert not found.short
    assert all(sent(found, sku) == 40 for sku in demand)


def test_the_same_stock_gives_the_same_plan_whatever_order_it_is_read_in() -> None:
    held = {"A": {"X": 2, "Y": 2, "Z": 2}}
    assert plan({"A": 3}, held) == plan({"A": 3}, {"A": dict(reversed(held["A"].items()))})
