"""What one result has read: each thing once, many of a kind by one statement.

Every object of the API holds the reads it came from. Results after a change, in a payload or a subscription, use new
ones, so that they are not stale.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from oms.domain.access.permissions import Viewer, may_for
from oms.domain.catalog import queries as catalog
from oms.domain.order.model import Line, Order
from oms.domain.order.policy import OrderPermission
from oms.domain.order.shipment import Item, ShipmentKey
from oms.domain.order_queries import orders, shipments, timeline
from oms.domain.order_queries.includes import Include, Includes
from oms.domain.order_queries.orders import SeenOrder
from oms.domain.order_queries.shipments import SeenShipment
from oms.domain.order_queries.timeline import Section
from oms.domain.vocabulary.errors import InputReason, refused
from oms.domain.vocabulary.events import Event
from oms.domain.vocabulary.wording import wording
from oms.platform.db import Database
from oms.schema.compiled.run import next_turn
from oms.schema.runtime.reading.loader import Loader

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MAX_LINES: Final = 50_000
"""Lines of orders and shipments in one result; their number is known only when they are read."""


_MANY_LINES: Final = 200


@dataclass(frozen=True, eq=False)
class BatchRead(Generic[K, V]):
    """A read that a concept declares for itself: many keys by one statement. `missing` stands for keys not found."""

    read: Callable[[Database, Viewer, list[K]], Awaitable[Mapping[K, V]]]
    missing: V


class Reads:
    """Loaders for one viewer, made when first needed. Resolvers run concurrently: each batch has its own connection."""

    def __init__(self, db: Database, viewer: Viewer, on_personal_read: Callable[[Viewer, UUID], None]) -> None:
        """`on_personal_read` receives each order whose shipping address is read."""
        self.db = db
        self.viewer = viewer
        self.on_personal_read = on_personal_read
        self._line_count = 0
        self._loaders: dict[BatchRead[Any, Any], Loader[Any, Any]] = {}

    async def load(self, kind: BatchRead[K, V], key: K) -> V:
        """The value of a key, read together with the other keys requested at the same time."""
        if kind not in self._loaders:
            self._loaders[kind] = Loader(lambda keys: kind.read(self.db, self.viewer, keys), kind.missing)
        value: V = await self._loaders[kind].load(key)
        return value

    @cached_property
    def order(self) -> Loader[UUID, SeenOrder | None]:
        return Loader(lambda ids: orders.of_ids(self.db, self.viewer, ids), None)

    @cached_property
    def order_with(self) -> Loader[tuple[UUID, Includes], SeenOrder | None]:
        """Orders with their includes; one statement for all that have the same ones."""
        return Loader(self._orders_with, None)

    @cached_property
    def order_of_shipment(self) -> Loader[UUID, SeenOrder | None]:
        return Loader(lambda ids: orders.of_shipments(self.db, ids), None)

    @cached_property
    def lines(self) -> Loader[UUID, list[Line]]:
        return Loader(lambda ids: orders.lines_of(self.db, ids), [])

    @cached_property
    def shipments(self) -> Loader[UUID, list[SeenShipment]]:
        return Loader(lambda ids: shipments.of_orders(self.db, self.viewer, ids), [])

    @cached_property
    def shipment(self) -> Loader[ShipmentKey, SeenShipment | None]:
        return Loader(lambda keys: shipments.of_keys(self.db, self.viewer, keys), None)

    @cached_property
    def items(self) -> Loader[ShipmentKey, list[Item]]:
        return Loader(lambda keys: shipments.items_of(self.db, keys), [])

    @cached_property
    def product_name(self) -> Loader[str, str | None]:
        return Loader(lambda skus: catalog.names_of(self.db, skus), None)

    @cached_property
    def events(self) -> Loader[Section, list[Event]]:
        return Loader(lambda sections: timeline.events_of(self.db, self.viewer, sections), [])

    async def _orders_with(self, keys: list[tuple[UUID, Includes]]) -> dict[tuple[UUID, Includes], SeenOrder]:
        ids: dict[Includes, list[UUID]] = {}
        for key, includes in keys:
            ids.setdefault(includes, []).append(key)
        found: dict[tuple[UUID, Includes], SeenOrder] = {}
        for includes, of_these in ids.items():
            for key, seen in (await orders.of_ids(self.db, self.viewer, of_these, includes)).items():
                found[key, includes] = self.remember(seen)
        return found

    def remember(self, seen: SeenOrder) -> SeenOrder:
        """The same order. Primes the loaders with what was read together with it."""
        order, read, parts = seen.order, seen.included, seen.included.includes.parts
        self.order_of_shipment.prime(order.id, seen)
        if Include.LINES in parts:
            self.lines.prime(order.id, read.lines)
        if Include.SHIPMENTS in parts:
            self.shipments.prime(order.id, read.shipments)
        if Include.SHIPMENTS in parts and Include.ITEMS in parts:
            for shipment in read.shipments:
                self.items.prime(shipment.key, read.items.get(shipment.shipment.number, []))
        for sku, name in read.names.items():
            self.product_name.prime(sku, name)
        if Include.EVENTS in parts:
            self.events.prime(Section(order.id, read.includes.events_after, read.includes.events_limit), read.events)
        return seen

    def just_placed(self, order: Order) -> None:
        """Primes the loaders with a new order if the viewer may see it; nobody else can have changed it yet."""
        if may_for(self.viewer, OrderPermission.READ_ORDER, order.customer_reference):
            self.order.prime(order.id, SeenOrder(order, order.placed_at))
            self.lines.prime(order.id, order.lines)
            self.shipments.prime(order.id, [])

    async def counted(self, lines: list[V]) -> list[V]:
        """The same lines. Raises Refused(INVALID) if the result has too many, before objects are made of them.

        Making them of many takes milliseconds, so it waits for its turn.
        """
        self._line_count += len(lines)
        if self._line_count > MAX_LINES:
            message = wording(
                "The result would have more than {max_lines} lines. Request shorter pages (first).", max_lines=MAX_LINES
            )
            raise refused(InputReason.TOO_MANY, message)
        if len(lines) >= _MANY_LINES:
            await next_turn()
        return lines

    async def name_of(self, sku: str) -> str:
        """The name of the product, or the SKU if the catalogue does not contain it."""
        return await self.product_name.load(sku) or sku
