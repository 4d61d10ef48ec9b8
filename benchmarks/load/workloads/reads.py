"""Reading: an order in detail, lists, an order's page, and searches, over eight connections."""

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from benchmarks.filling.customers import city, email, family, given, phone, postal_code
from benchmarks.filling.fill import customers_of
from benchmarks.load.catalogue import SKUS, customer, sku
from benchmarks.load.figures import Figures, memory, percentiles, spending
from benchmarks.load.ground import Ground
from benchmarks.load.http import Connection, Document, page
from benchmarks.load.loops import closed_loop
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.ids import order_id

CONNECTIONS: Final = 8
SAMPLE: Final = 2_000
"""The number of different orders that are read."""

PAGES: Final = 20
"""The number of different pages of the list that are read, the newest ones."""

DETAIL: Final = """query Detail($id: ID!) { order(id: $id) {
  id reference status placedAt closedAt total { amount currency } customer { reference }
  shippingAddress { name line1 city postalCode country }
  lines { id sku quantity unavailableQuantity unitPrice { amount currency } }
  shipments {
    id status warehouse { code name } courier { code name } trackingNumber bookedAt dispatchedAt deliveredAt
    lines { orderLineId sku quantity }
    invoice {
      number issuedAt total { amount currency }
      subtotal { amount } discount { amount } tax { amount } shipping { amount }
    }
    payment { status reason charged { amount } refunded { amount } chargedAt }
  }
  events(first: 50) { nodes { cursor at type actor actorRole reason summary } }
} }"""
LIST: Final = """query List($after: String) { orders(first: 50, after: $after) {
  nodes { id reference status placedAt closedAt customer { reference } total { amount currency } viewerCanCancel }
  pageInfo { hasNextPage endCursor } } }"""
SEARCH: Final = """query Search($search: String!) { orders(first: 20, search: $search) {
  nodes { id reference status placedAt } pageInfo { hasNextPage endCursor } } }"""

_HOW_MANY: Final = "SELECT count(*) FROM orders WHERE reference ^@ 'FILLED-'"
_IDS: Final = "SELECT filling.order_id(n) FROM unnest($1::bigint[]) AS n"
_TRACKING: Final = "SELECT tracking_number FROM shipments WHERE order_id = ANY ($1::uuid[])"
_OWN: Final = "SELECT o.id FROM orders o JOIN customers c ON c.id = o.customer_id WHERE c.reference = $1 LIMIT 50"


async def detail(ground: Ground, seconds: float) -> Figures:
    document = ground.document(Role.SUPPORT, DETAIL)
    requests = [document({"id": order_id(each)}) for each in await _sample(ground)]
    return await _read(ground, requests, b'"OrderCompleted"', seconds)


async def orders(ground: Ground, seconds: float) -> Figures:
    document = ground.document(Role.SUPPORT, LIST)
    async with ground.connections(1) as [connection]:
        cursors = await _cursors(connection, document)
    return await _read(ground, [document({"after": cursor}) for cursor in cursors], b'"viewerCanCancel"', seconds)


async def order_page(ground: Ground, seconds: float) -> Figures:
    """As the customer who placed it."""
    own = [row["id"] for row in await ground.owner.fetch(_OWN, customer(1))]
    return await _read(ground, [page(f"/orders/{order_id(each)}", ground.cookie) for each in own], b"</html>", seconds)


async def search(ground: Ground, seconds: float) -> Figures:
    """Requests of all kinds in turn."""
    document = ground.document(Role.SUPPORT, SEARCH)
    sample = await _sample(ground)
    tracking = [row["tracking_number"] for row in await ground.owner.fetch(_TRACKING, sample)]
    count = await _count(ground)
    texts = itertools.chain.from_iterable(
        _texts(number, random.randint(1, count), random.randint(1, customers_of(count)))  # noqa: S311 - a sample
        for number in tracking
    )
    return await _read(ground, [document({"search": text}) for text in texts], b'"nodes":[{', seconds)


def _texts(tracking: str, order: int, of: int) -> Iterator[str]:
    """What finds a shipment, an order, orders of a customer, and those of a SKU."""
    yield from (f"FILLED-{order:010}", f"filled-{order:010}"[:-1], tracking.lower(), customer(of))
    yield from (email(of), email(of).partition("@")[0], family(of), f"{family(of)} {given(of)}", given(of))
    yield from (phone(of), phone(of)[-8:], postal_code(of), city(of), f"{given(of)} {city(of)}")
    yield sku(random.randint(1, SKUS))  # noqa: S311 - a sample


async def _read(ground: Ground, requests: Sequence[bytes], expected: bytes, seconds: float) -> Figures:
    following: Callable[[], bytes] = itertools.cycle(requests).__next__
    async with ground.connections(CONNECTIONS) as connections:
        with spending(ground.shop.processes) as spent:
            times_s = await closed_loop(connections, following, expected, seconds)
    return spent.each(len(times_s)) | percentiles(times_s) | memory(ground.shop.processes)


async def _count(ground: Ground) -> int:
    """Old orders."""
    return ground.filled or int(await ground.owner.fetchval(_HOW_MANY))


async def _sample(ground: Ground) -> list[Any]:
    """Ids of random orders of all times."""
    count = await _count(ground)
    numbers = random.sample(range(1, count + 1), min(SAMPLE, count))
    return [row[0] for row in await ground.owner.fetch(_IDS, numbers)]


async def _cursors(connection: Connection, document: Document) -> list[str | None]:
    cursors: list[str | None] = [None]
    while len(cursors) < PAGES:
        found = (await connection.data(document({"after": cursors[-1]})))["orders"]["pageInfo"]
        if not found["hasNextPage"]:
            break
        cursors.append(found["endCursor"])
    return cursors
