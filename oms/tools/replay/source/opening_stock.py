"""The stock before the first order: what will be ordered, and deliberately less of some SKUs.

The source has no stock. It is computed from all orders, so that a limited run and a full one agree.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from oms.tools.replay.choices import per_mille
from oms.tools.replay.source import olist, uci
from oms.tools.replay.source.cart_order import CartOrder

SHORT_PER_MILLE: Final = {olist.SOURCE: 20, uci.SOURCE: 5}
"""Share of (SKU, warehouse) pairs with too little. UCI's orders have 27 lines on average, Olist's one."""

SECOND_WAREHOUSE_PER_MILLE = 5
THIRD_WAREHOUSE_PER_MILLE = 5
TWO_WAREHOUSES_PER_MILLE = 10

Place = tuple[str, str]
"""A SKU and the code of a warehouse."""


def spread(sku: str, units: int) -> dict[str, int]:
    """Units by warehouse code, for a SKU whose source names no warehouse.

    Most SKUs are in the first warehouse only, a few in the second or third only, so that some orders are split. A few
    are in the first two, so that some lines are split.
    """
    first, second, third = uci.WAREHOUSES
    share = per_mille("spread", sku)
    if share < SECOND_WAREHOUSE_PER_MILLE:
        return {second: units}
    if share < SECOND_WAREHOUSE_PER_MILLE + THIRD_WAREHOUSE_PER_MILLE:
        return {third: units}
    if share < SECOND_WAREHOUSE_PER_MILLE + THIRD_WAREHOUSE_PER_MILLE + TWO_WAREHOUSES_PER_MILLE:
        return {first: units - units // 2, second: units // 2}
    return {first: units}


def units_on_hand(source: str, place: Place, demanded_units: int) -> int:
    """All of the demand, or half of it, rounded down, if the place is to be short."""
    is_short = per_mille("short", *place) < SHORT_PER_MILLE[source]
    return demanded_units // 2 if is_short else demanded_units


class Demand:
    """Sums the units of orders, and converts them to opening stock."""

    def __init__(self) -> None:
        self._placed_units: dict[str, Counter[Place]] = {}
        self._units_without_place: dict[str, Counter[str]] = {}

    def add(self, order: CartOrder) -> None:
        """Counts the order's units by warehouse, or separately if the source names none."""
        for line in order.lines:
            if line.warehouse_code is None:
                self._units_without_place.setdefault(order.source, Counter())[line.sku] += line.quantity
            else:
                place = (line.sku, line.warehouse_code)
                self._placed_units.setdefault(order.source, Counter())[place] += line.quantity

    def opening_stock(self) -> Mapping[Place, int]:
        """Units on hand by place, in a fixed order, also places with 0."""
        stock: dict[Place, int] = {}
        for source, demands in self._demands_by_place().items():
            for place, units in sorted(demands.items()):
                stock[place] = stock.get(place, 0) + units_on_hand(source, place, units)
        return stock

    def _demands_by_place(self) -> dict[str, Counter[Place]]:
        demands = {source: Counter(units) for source, units in self._placed_units.items()}
        for source, unplaced in self._units_without_place.items():
            places = demands.setdefault(source, Counter())
            for sku, units in unplaced.items():
                for code, share in spread(sku, units).items():
                    places[sku, code] += share
        return demands
