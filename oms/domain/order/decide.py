"""What may become of an order: pure rules over a loaded order; time and actor are arguments."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta

from oms.domain.allocation.plan import Plan
from oms.domain.order.model import ORDER, Line, Order, OrderStatus
from oms.domain.order.shipment import OPEN, Item, ShipmentStatus
from oms.domain.vocabulary.actor import Actor
from oms.domain.vocabulary.errors import Code, refused
from oms.domain.vocabulary.events import EventType as E


def demand(order: Order) -> dict[str, int]:
    """Units by SKU, summed over the lines they stand on."""
    wanted: dict[str, int] = {}
    for line in order.lines:
        wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    return wanted


def allocate(order: Order, plan: Plan, *, by: Actor, at: datetime, answer_within: timedelta) -> None:
    """Opens a shipment for each part of the plan. What is short amends the order and asks the customer.

    Parts are laid onto the lines in order, so a shortage falls on the last line of its SKU first.
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
    order.record(E.ItemsUnavailable, by=by, at=at, shipments=parts, unavailable=short, deadline=deadline.isoformat())
    order.action_deadline = deadline


def _fill(line: Line, supply: deque[tuple[int, int]], items: dict[int, list[Item]]) -> int:
    """Takes the line's units from the front of the supply; returns how many it lacks."""
    lacking = line.quantity
    while lacking and supply:
        number, units = supply.popleft()
        taken = min(lacking, units)
        items[number].append(Item(line.number, line.sku, taken, line.unit_price_minor))
        lacking -= taken
        if units > taken:
            supply.appendleft((number, units - taken))
    return lacking


def can_accept(order: Order, *, at: datetime) -> bool:
    """There must be something left to accept, and time left to do it."""
    waiting = ORDER.allows(order.status, E.AmendmentAccepted)
    return waiting and bool(order.shipments) and order.action_deadline is not None and at <= order.action_deadline


def accept(order: Order, *, by: Actor, at: datetime) -> None:
    """The customer goes on without what is unavailable. Raises Refused(CONFLICT) unless can_accept()."""
    if ORDER.allows(order.status, E.AmendmentAccepted) and not order.shipments:
        raise refused(Code.CONFLICT, "Nothing of this order is available, so there is nothing to accept: cancel it.")
    if ORDER.allows(order.status, E.AmendmentAccepted) and not can_accept(order, at=at):
        raise refused(Code.CONFLICT, "The time to accept has run out; place a new order for the available items.")
    order.record(E.AmendmentAccepted, by=by, at=at)
    order.action_deadline = None


def can_cancel(order: Order) -> bool:
    """Until the first shipment is picked up."""
    return ORDER.allows(order.status, E.OrderCancelled) and not order.was_dispatched


def cancel(order: Order, *, by: Actor, at: datetime, reason: str | None) -> None:
    """Ends the order and every open shipment at once. Raises Refused(CONFLICT) unless can_cancel()."""
    if order.was_dispatched and not order.is_final:
        raise refused(Code.CONFLICT, "A shipment is already on its way, so the order can't be cancelled any more.")
    ORDER.after(order.status, E.OrderCancelled)
    _cancel_shipments(order, by=by, at=at, reason=reason)
    order.record(E.OrderCancelled, by=by, at=at, reason=reason)
    order.action_deadline = None


def time_out(order: Order, *, by: Actor, at: datetime) -> None:
    """The customer kept silent. Does nothing where they answered, or before the deadline has passed."""
    if order.action_deadline is None or at <= order.action_deadline:
        return
    _cancel_shipments(order, by=by, at=at, reason="No answer before the deadline")
    order.record(E.OrderTimedOut, by=by, at=at, reason="No answer before the deadline")
    order.action_deadline = None


def _cancel_shipments(order: Order, *, by: Actor, at: datetime, reason: str | None) -> None:
    for shipment in order.shipments:
        if shipment.status in OPEN:
            order.record_for(shipment, E.ShipmentCancelled, by=by, at=at, reason=reason)


def close_if_done(order: Order, *, by: Actor, at: datetime, reason: str | None = None) -> None:
    """After a shipment was delivered or has failed: once all are final, so is the order."""
    if order.status != OrderStatus.PROCESSING or not all(s.is_final for s in order.shipments):
        return
    delivered = any(s.status == ShipmentStatus.DELIVERED for s in order.shipments)
    order.record(E.OrderCompleted if delivered else E.OrderFailed, by=by, at=at, reason=None if delivered else reason)


def numbered(lines: Iterable[tuple[str, int, int]]) -> list[Line]:
    """Lines from (sku, quantity, unit price in minor units), counted from 1."""
    return [Line(number, sku, quantity, price) for number, (sku, quantity, price) in enumerate(lines, 1)]
