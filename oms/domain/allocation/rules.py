"""Applying a plan to an order's lines. Pure rules over a loaded order; time and actor are arguments."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import unique
from typing import Any, Final

from oms.domain.allocation.plan import SEARCH_EFFORT, Demand, Levels, Plan, plan
from oms.domain.concept.work import Due, Step
from oms.domain.order.events import OrderEvent as E
from oms.domain.order.model import Line, Order, OrderStatus
from oms.domain.order.shipment import Item
from oms.domain.vocabulary.actor import Actor


@unique
class AllocationStep(Step):
    """The steps of the queue."""

    ALLOCATE = "ALLOCATE"


def due(order: Order) -> Mapping[int, Due]:
    """A new order is allocated."""
    return {0: Due(AllocationStep.ALLOCATE)} if order.status == OrderStatus.PENDING else {}


def demand(order: Order) -> dict[str, int]:
    """Units by SKU, summed over the order's lines."""
    units: dict[str, int] = {}
    for line in order.lines:
        units[line.sku] = units.get(line.sku, 0) + line.quantity
    return units


@dataclass(frozen=True, slots=True)
class HoldLimit:
    """How many units an order keeps while it waits for its customer's answer, which nobody has paid for; 0: all.

    It applies to orders that customers placed themselves, and with `of_services` to all.
    """

    units: int = 0
    of_services: bool = False

    def of(self, order: Order) -> int | None:
        """The limit for the order; None: it keeps all."""
        return self.units if self.units and (self.of_services or order.own_reference is not None) else None


HOLD_ALL: Final = HoldLimit()


def planned(demand: Demand, levels: Levels, *, most: int | None, effort: int = SEARCH_EFFORT) -> Plan:
    """All that is available; of an order that must be amended for a shortage, no more than the `most` it may keep."""
    found = plan(demand, levels, effort=effort)
    if not found.short or most is None:
        return found
    return plan(demand, levels, at_most=kept(demand, found, most), effort=effort)


def kept(demand: Demand, plan: Plan, most: int) -> dict[str, int]:
    """What an amended order keeps of the units in its plan, by SKU: those of its first lines, `most` altogether."""
    units: dict[str, int] = {}
    for sku, wanted in demand.items():
        share = min(wanted - plan.short.get(sku, 0), most)
        if share:
            units[sku] = share
            most -= share
    return units


def allocate(
    order: Order, plan: Plan, *, by: Actor, at: datetime, answer_within: timedelta, keeps: int | None = None
) -> None:
    """Opens a shipment for each part of the plan. A shortage amends the order, and its customer must answer.

    `keeps`: the units that it may keep meanwhile, if there is a limit; those beyond it are in the plan's shortage.
    Units are assigned to the lines in order, so a shortage falls on the last line of its SKU first.
    Raises Refused(CONFLICT) unless the order is PENDING.
    """
    supply: dict[str, deque[tuple[int, int]]] = {}
    for part in plan.parts:
        shipment = order.open_shipment(part.warehouse_code, at)
        for sku, units in part.units.items():
            supply.setdefault(sku, deque()).append((shipment.number, units))
    items: dict[int, list[Item]] = {shipment.number: [] for shipment in order.shipments}
    for line in order.lines:
        line.unavailable = _fill(line, supply.get(line.sku, deque()), items)
    for shipment in order.shipments:
        shipment.items = tuple(items[shipment.number])
    parts = [{"shipment": s.number, "warehouse": s.warehouse_code} for s in order.shipments]
    if not plan.short:
        order.record(E.ItemsAllocated, by=by, at=at, shipments=parts)
        return
    short = [
        {"line": line.number, "sku": line.sku, "units": line.unavailable} for line in order.lines if line.unavailable
    ]
    deadline = at + answer_within
    data: dict[str, Any] = {"shipments": parts, "unavailable": short, "deadline": deadline.isoformat()}
    if keeps is not None:
        data["keeps"] = keeps
    order.record(E.ItemsUnavailable, by=by, at=at, reason=None, **data)
    order.action_deadline = deadline


def _fill(line: Line, supply: deque[tuple[int, int]], items: dict[int, list[Item]]) -> int:
    """Takes the line's units from the front of the supply; returns how many are missing."""
    missing = line.quantity
    while missing and supply:
        number, units = supply.popleft()
        taken = min(missing, units)
        items[number].append(Item(line.number, line.sku, taken, line.unit_price_minor))
        missing -= taken
        if units > taken:
            supply.appendleft((number, units - taken))
    return missing
