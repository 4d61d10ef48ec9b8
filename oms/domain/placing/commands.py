"""What is done with orders, each in the caller's transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from oms.domain.access.permissions import Operation, Viewer, forbidden, may, may_for, require
from oms.domain.allocation.plan import plan
from oms.domain.audit.model import OVERRIDING, AuditAction
from oms.domain.audit.record import record_override
from oms.domain.catalog import store as catalog_store
from oms.domain.customers import store as customer_store
from oms.domain.inventory import store as stock_store
from oms.domain.order import decide, store
from oms.domain.order.model import Order, OrderStatus
from oms.domain.order.store import LockedOrders
from oms.domain.placing.request import OrderRequest, Priced
from oms.domain.vocabulary.actor import Actor
from oms.domain.vocabulary.errors import Code, Problem, Refused, refuse_all, refused
from oms.domain.vocabulary.events import EventType
from oms.domain.vocabulary.ids import uuid7
from oms.domain.vocabulary.text import REASON_LENGTH, check_text
from oms.domain.work import store as work_store
from oms.domain.work.store import Batch
from oms.platform.db import Tx


@dataclass(frozen=True, slots=True)
class Placed:
    """An order that is there: `order` where it is new, None where it was placed before with the same content."""

    id: UUID
    order: Order | None = None


Ask = tuple[Viewer, OrderRequest]


async def place(tx: Tx, asked: Sequence[Ask]) -> list[Placed | Refused]:
    """Places each order or refuses it, independently of the others; answers in their order.

    The callers may be different ones: what comes at the same time is placed together.
    """
    results: dict[int, Placed | Refused] = {}
    for index, (viewer, request) in enumerate(asked):
        if refusal := _refusal(request, viewer):
            results[index] = refusal
    waiting = {index: ask for index, ask in enumerate(asked) if index not in results}
    # One time round, unless a reference comes twice among them, or at the same time from elsewhere.
    while waiting:
        settled = await _place_first_of_each_reference(tx, waiting)
        results |= settled
        waiting = {index: ask for index, ask in waiting.items() if index not in settled}
    return [results[index] for index in range(len(asked))]


async def _place_first_of_each_reference(tx: Tx, asked: Mapping[int, Ask]) -> dict[int, Placed | Refused]:
    known = await store.placed_before(tx, [request.reference for _, request in asked.values()])
    settled: dict[int, Placed | Refused] = {}
    first: dict[str, int] = {}
    for index, (_, request) in asked.items():
        if request.reference in known:
            settled[index] = _repeat(request, *known[request.reference])
        else:
            first.setdefault(request.reference, index)
    new = {index: asked[index] for index in first.values()}
    return settled | (await _add(tx, new) if new else {})


def _refusal(request: OrderRequest, viewer: Viewer) -> Refused | None:
    if not may(viewer, Operation.PLACE_ORDER):
        return forbidden(viewer, Operation.PLACE_ORDER)
    problems = list(request.problems())
    if not may_for(viewer, Operation.PLACE_ORDER, request.customer_reference):
        message = "You can order for yourself only; leave customerReference out."
        problems.append(Problem(Code.FORBIDDEN, message, ("customerReference",)))
    if not may(viewer, Operation.SET_PRICE):
        message = "The catalogue sets the price; leave unitPrice out."
        problems += [
            Problem(Code.FORBIDDEN, message, ("lines", str(index), "unitPrice"))
            for index, line in enumerate(request.lines)
            if line.unit_price_minor is not None
        ]
    return Refused(*problems) if problems else None


def _repeat(request: OrderRequest, order_id: UUID, content_hash: bytes) -> Placed | Refused:
    if request.content_hash() == content_hash:
        return Placed(order_id)
    message = f"The reference {request.reference!r} was used for a different order; give this one another."
    return refused(Code.DUPLICATE, message, "reference")


async def _add(tx: Tx, asked: Mapping[int, Ask]) -> dict[int, Placed | Refused]:
    """Writes those that the catalogue allows; one whose reference was taken meanwhile is left out of the answer."""
    catalogue = await catalog_store.of_skus(tx, {line.sku for _, request in asked.values() for line in request.lines})
    results: dict[int, Placed | Refused] = {}
    accepted: dict[int, Priced] = {}
    for index, (_, request) in asked.items():
        priced = request.priced(catalogue)
        if priced.problems:
            results[index] = Refused(*priced.problems)
        else:
            accepted[index] = priced
    if not accepted:
        return results
    at = await tx.clock()
    customers = await customer_store.of_references(tx, {asked[i][1].customer_reference for i in accepted}, at=at)
    orders = {index: _order(*asked[index], priced, customers, at) for index, priced in accepted.items()}
    hashes = {order.id: asked[index][1].content_hash() for index, order in orders.items()}
    added = await store.add(tx, list(orders.values()), hashes)
    return results | {index: Placed(order.id, order) for index, order in orders.items() if order.id in added}


def _order(viewer: Viewer, request: OrderRequest, priced: Priced, customers: Mapping[str, UUID], at: datetime) -> Order:
    order = Order(
        id=uuid7(at),
        reference=request.reference,
        customer_id=customers[request.customer_reference],
        customer_reference=request.customer_reference,
        currency=priced.currency,
        payment_method=request.payment_method,
        email=request.email,
        shipping_address=dict(request.shipping_address) if request.shipping_address else None,
        status=OrderStatus.PENDING,
        placed_at=at,
        lines=decide.numbered(priced.lines),
    )
    order.place(by=viewer.actor, at=at)
    return order


async def accept(tx: Tx, viewer: Viewer, order_id: UUID) -> UUID:
    """Raises Refused: FORBIDDEN, NOT_FOUND, or CONFLICT as decide.accept() says."""
    locked, order = await _theirs(tx, viewer, order_id, Operation.ACCEPT_AMENDMENT)
    decide.accept(order, by=viewer.actor, at=locked.at)
    await locked.save()
    return order_id


async def cancel(tx: Tx, viewer: Viewer, order_id: UUID, reason: str | None) -> UUID:
    """Raises Refused: FORBIDDEN, INVALID, NOT_FOUND, or CONFLICT as decide.cancel() says."""
    if reason is not None:
        refuse_all(check_text(reason, "reason", most=REASON_LENGTH, blank=True))
    locked, order = await _theirs(tx, viewer, order_id, Operation.CANCEL_ORDER)
    own_words = viewer.role not in OVERRIDING
    decide.cancel(order, by=viewer.actor, at=locked.at, reason=None if own_words else reason)
    if own_words and reason:
        await store.keep_cancel_reason(tx, order_id, reason)
    await record_override(tx, viewer, AuditAction.OrderCancelled, order, EventType.OrderCancelled)
    await locked.save()
    return order_id


async def _theirs(tx: Tx, viewer: Viewer, order_id: UUID, operation: Operation) -> tuple[LockedOrders, Order]:
    """What does not exist and what is not the viewer's look the same."""
    require(viewer, operation)
    locked = await store.lock(tx, [order_id])
    order = locked.get(order_id)
    if order is None or not may_for(viewer, operation, order.customer_reference):
        raise refused(Code.NOT_FOUND, "There is no such order.", "orderId")
    return locked, order


async def allocate(tx: Tx, batch: Batch, *, answer_within: timedelta) -> None:
    """Allocates a batch of placed orders, one after the other, over stock that is locked once for all of them."""
    by = Actor(batch.queue)
    locked = await store.lock(tx, batch.order_ids, lines=True)
    held = await work_store.still_held(tx, batch)
    pending = [o for o in locked if o.status == OrderStatus.PENDING and o.id in {k.order_id for k in held}]
    demands = {order.id: decide.demand(order) for order in pending}
    levels = await stock_store.lock_available(tx, {sku for demand in demands.values() for sku in demand})
    for order in pending:
        found = plan(demands[order.id], levels)
        for part in found.parts:
            for sku, units in part.units.items():
                levels[sku][part.warehouse_code] -= units
        decide.allocate(order, found, by=by, at=locked.at, answer_within=answer_within)
    await locked.save()
    await work_store.let_go(tx, batch, locked.still_call_for(held))


async def time_out(tx: Tx, batch: Batch) -> None:
    """Ends the amended orders of a batch whose customers kept silent."""
    locked = await store.lock(tx, batch.order_ids)
    held = await work_store.still_held(tx, batch)
    for key in sorted(held):
        if order := locked.get(key.order_id):
            decide.time_out(order, by=Actor(batch.queue), at=locked.at)
    await locked.save()
    await work_store.let_go(tx, batch, locked.still_call_for(held))
