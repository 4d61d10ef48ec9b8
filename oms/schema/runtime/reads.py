"""What one answer has read: each thing once, many of a kind with one statement.

Every node holds the reads it came from. What is told after a change, in a mutation's payload or a subscription,
begins with new ones, so nothing told is stale.
"""

from functools import cached_property
from typing import Final, TypeVar
from uuid import UUID

from oms.domain.access.permissions import Viewer, may_for
from oms.domain.catalog import queries as catalog
from oms.domain.inventory import queries as stock
from oms.domain.inventory.queries import Level
from oms.domain.order.model import Line, Order
from oms.domain.order.policy import OrderPermission
from oms.domain.order.shipment import Item, ShipmentKey
from oms.domain.order_queries import orders, shipments, timeline
from oms.domain.order_queries.includes import Include, Includes
from oms.domain.order_queries.orders import CustomerPage, SeenOrder
from oms.domain.order_queries.shipments import SeenShipment
from oms.domain.order_queries.timeline import Section
from oms.domain.vocabulary.errors import InputReason, refused
from oms.domain.vocabulary.events import Event
from oms.domain.vocabulary.paging import Page
from oms.domain.work import queries as work
from oms.domain.work.queries import SeenWork
from oms.platform.db import Database
from oms.schema.runtime.loader import Loader

V = TypeVar("V")

MAX_LINES: Final = 50_000
"""How many lines of orders and shipments one answer may come to; their number is known only when they are read."""

_NO_ORDERS: Final[Page[SeenOrder]] = Page((), more=False)


class Reads:
    """Loaders for one viewer, made when first needed. Each batch has a connection of its own, because resolvers run
    concurrently.
    """

    def __init__(self, db: Database, viewer: Viewer) -> None:
        self.db = db
        self.viewer = viewer
        self._lines_told = 0

    @cached_property
    def order(self) -> Loader[UUID, SeenOrder | None]:
        return Loader(lambda ids: orders.of_ids(self.db, self.viewer, ids), None)

    @cached_property
    def order_with(self) -> Loader[tuple[UUID, Includes], SeenOrder | None]:
        """Orders with their includes, by one statement for all with the same ones."""
        return Loader(self._orders_with, None)

    @cached_property
    def order_of_shipment(self) -> Loader[UUID, SeenOrder | None]:
        return Loader(lambda ids: orders.of_shipments(self.db, ids), None)

    @cached_property
    def page_of_customer(self) -> Loader[CustomerPage, Page[SeenOrder]]:
        return Loader(lambda pages: orders.pages_of_customers(self.db, self.viewer, pages), _NO_ORDERS)

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
    def levels(self) -> Loader[str, list[Level]]:
        return Loader(lambda skus: stock.levels_of(self.db, self.viewer, skus), [])

    @cached_property
    def product_name(self) -> Loader[str, str | None]:
        return Loader(lambda skus: catalog.names_of(self.db, skus), None)

    @cached_property
    def work(self) -> Loader[UUID, list[SeenWork]]:
        return Loader(lambda ids: work.of_subjects(self.db, ids), [])

    @cached_property
    def events(self) -> Loader[Section, list[Event]]:
        return Loader(lambda stretches: timeline.events_of(self.db, self.viewer, stretches), [])

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
        """The same order; what was read with it is not read again."""
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
        """Nothing of it needs to be read, if the viewer may see it: nobody else knows of it yet."""
        if may_for(self.viewer, OrderPermission.READ_ORDER, order.customer_reference):
            self.order.prime(order.id, SeenOrder(order, order.placed_at))
            self.lines.prime(order.id, order.lines)
            self.shipments.prime(order.id, [])

    def counted(self, lines: list[V]) -> list[V]:
        """The same lines. Raises Refused(INVALID) once an answer has too many, before anything is made of them."""
        self._lines_told += len(lines)
        if self._lines_told > MAX_LINES:
            message = f"The answer would hold more than {MAX_LINES} lines. Ask for shorter pages (first)."
            raise refused(InputReason.TOO_MANY, message)
        return lines

    async def name_of(self, sku: str) -> str:
        """The product's name; what the catalogue does not hold goes by its SKU."""
        return await self.product_name.load(sku) or sku
