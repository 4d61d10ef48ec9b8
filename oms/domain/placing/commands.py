"""Placing orders, each in the caller's transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from oms.domain.access.permissions import Viewer, forbidden, may, may_for, reach
from oms.domain.catalog import store as catalog_store
from oms.domain.customers import store as customer_store
from oms.domain.order.model import Order, OrderStatus
from oms.domain.order.storage import references, save
from oms.domain.order.storage.references import SHOP, Claim
from oms.domain.placing import store
from oms.domain.placing.limits import NO_LIMITS, PlacingLimits, Standings
from oms.domain.placing.policy import PlacingPermission, PlacingReason
from oms.domain.placing.request import OrderRequest, Priced
from oms.domain.vocabulary.errors import AccessReason, Problem, Refused, refused
from oms.domain.vocabulary.ids import short_name, uuid7
from oms.domain.vocabulary.permission import Reach
from oms.domain.vocabulary.wording import wording
from oms.platform.db import Tx


@dataclass(frozen=True, slots=True)
class Placed:
    """An existing order. `order` is None if it was placed before, with the same content."""

    id: UUID
    order: Order | None = None


Request = tuple[Viewer, OrderRequest]


async def place(tx: Tx, requests: Sequence[Request], *, limits: PlacingLimits = NO_LIMITS) -> list[Placed | Refused]:
    """Places each order or refuses it, independently of the others; the viewers may be different ones.

    `limits` are for customers. Results are in the requests' order.
    """
    results: dict[int, Placed | Refused] = {}
    for index, (viewer, request) in enumerate(requests):
        if found := refusal(request, viewer, limits):
            results[index] = found
    waiting = {index: request for index, request in enumerate(requests) if index not in results}
    standings = await _locked_standings(tx, waiting.values(), limits)
    # One iteration, unless a reference occurs twice among them or is taken by another transaction meanwhile.
    while waiting:
        settled = await _place_first_of_each_reference(tx, waiting, limits, standings)
        results |= settled
        waiting = {index: request for index, request in waiting.items() if index not in settled}
    return [results[index] for index in range(len(requests))]


def owner_of(viewer: Viewer, request: OrderRequest) -> str:
    """Who chose the order's reference: the customer who places it themself, or else the shop."""
    is_own = reach(viewer, PlacingPermission.PLACE_ORDER) == Reach.OWN
    return request.customer_reference if is_own else SHOP


def _claim(viewer: Viewer, request: OrderRequest) -> Claim:
    return owner_of(viewer, request), request.reference


async def _locked_standings(tx: Tx, requests: Iterable[Request], limits: PlacingLimits) -> Standings:
    """What the customers among the callers have open and unpaid; empty, and without a statement, without limits."""
    customers = {owner for viewer, request in requests if (owner := owner_of(viewer, request)) != SHOP}
    if not customers or not limits.of_customers:
        return {}
    await store.lock(tx, customers)
    return await store.standings(tx, customers)


async def _place_first_of_each_reference(
    tx: Tx, requests: Mapping[int, Request], limits: PlacingLimits, standings: Standings
) -> dict[int, Placed | Refused]:
    claims = {index: _claim(*request) for index, request in requests.items()}
    known = await references.taken(tx, set(claims.values()))
    settled: dict[int, Placed | Refused] = {}
    first: dict[Claim, int] = {}
    for index, (_, request) in requests.items():
        if claims[index] in known:
            settled[index] = _repeat(request, *known[claims[index]])
        else:
            first.setdefault(claims[index], index)
    new = {index: requests[index] for index in first.values()}
    return settled | (await _add(tx, new, limits, standings) if new else {})


def refusal(request: OrderRequest, viewer: Viewer, limits: PlacingLimits) -> Refused | None:
    """Why the order is refused whatever catalogue and database contain; None if it is not."""
    if not may(viewer, PlacingPermission.PLACE_ORDER):
        return forbidden(viewer, PlacingPermission.PLACE_ORDER)
    problems = list(request.problems())
    if not may_for(viewer, PlacingPermission.PLACE_ORDER, request.customer_reference):
        message = wording("You can order for yourself only; leave customerReference out.")
        problems.append(Problem(AccessReason.NOT_YOURS, message, ("customerReference",)))
    if owner_of(viewer, request) != SHOP:
        problems += limits.problems([line.quantity for line in request.lines])
    if not may(viewer, PlacingPermission.SET_PRICE):
        message = wording("The catalogue sets the price; leave unitPrice out.")
        problems += [
            Problem(PlacingReason.PRICE_NOT_ALLOWED, message, ("lines", str(index), "unitPrice"))
            for index, line in enumerate(request.lines)
            if line.unit_price_minor is not None
        ]
    return Refused(*problems) if problems else None


def _repeat(request: OrderRequest, order_id: UUID, content_hash: bytes) -> Placed | Refused:
    if request.content_hash() == content_hash:
        return Placed(order_id)
    message = wording(
        "The reference {reference!r} was used for a different order; give this one another.",
        reference=request.reference,
    )
    return refused(PlacingReason.REFERENCE_TAKEN, message, "reference")


async def _add(
    tx: Tx, requests: Mapping[int, Request], limits: PlacingLimits, standings: Standings
) -> dict[int, Placed | Refused]:
    """Adds the orders that catalogue and limits allow. One whose reference was taken meanwhile is not in the result."""
    skus = {line.sku for _, request in requests.values() for line in request.lines}
    catalogue = await catalog_store.of_skus(tx, skus)
    results: dict[int, Placed | Refused] = {}
    accepted: dict[int, Priced] = {}
    for index, (viewer, request) in requests.items():
        priced = request.priced(catalogue)
        problems = priced.problems or _beyond_limits(owner_of(viewer, request), priced, limits, standings)
        if problems:
            results[index] = Refused(*problems)
        else:
            accepted[index] = priced
    if not accepted:
        return results
    at = await tx.clock()
    customers = await customer_store.of_references(tx, {requests[i][1].customer_reference for i in accepted}, at=at)
    orders = {index: _order(*requests[index], priced, customers, at) for index, priced in accepted.items()}
    hashes = {order.id: requests[index][1].content_hash() for index, order in orders.items()}
    added = await save.add(tx, list(orders.values()), hashes)
    return results | {index: Placed(order.id, order) for index, order in orders.items() if order.id in added}


def _beyond_limits(owner: str, priced: Priced, limits: PlacingLimits, standings: Standings) -> tuple[Problem, ...]:
    """Counts the order in its customer's standing, unless it is refused."""
    if owner == SHOP or not limits.of_customers:
        return ()
    standing = standings[owner]
    problems = tuple(standing.problems(limits, priced.lines, priced.currency))
    if not problems:
        standing.add(priced.lines, priced.currency)
    return problems


def _order(viewer: Viewer, request: OrderRequest, priced: Priced, customers: Mapping[str, UUID], at: datetime) -> Order:
    """A customer's own order gets a reference by the server: theirs could be one that a cart is about to use."""
    order_id = uuid7(at)
    is_own = owner_of(viewer, request) != SHOP
    order = Order(
        id=order_id,
        reference=short_name(order_id) if is_own else request.reference,
        customer_id=customers[request.customer_reference],
        customer_reference=request.customer_reference,
        currency=priced.currency,
        payment_method=request.payment_method,
        status=OrderStatus.PENDING,
        placed_at=at,
        own_reference=request.reference if is_own else None,
        details=request.details.stored(),
        lines=priced.lines,
    )
    order.place(by=viewer.actor, at=at)
    return order
