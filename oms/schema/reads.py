"""What one answer has read: each thing once, many of a kind with one statement.

Every node holds the reads it came from. What is told after a change, in a mutation's payload or a subscription,
begins with new ones, so nothing told is stale.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Final, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

from oms.db import Database
from oms.domain.access.model import Viewer
from oms.domain.catalog import read as catalog
from oms.domain.events import Event
from oms.domain.orders import read as orders
from oms.domain.orders import trail
from oms.domain.orders.model import Line
from oms.domain.orders.read import CustomerPage, SeenOrder
from oms.domain.orders.trail import Stretch
from oms.domain.paging import Page
from oms.domain.refusal import Code, refused
from oms.domain.shipments import read as shipments
from oms.domain.shipments.handle import ShipmentKey
from oms.domain.shipments.model import Item
from oms.domain.shipments.read import SeenShipment
from oms.domain.stock import read as stock
from oms.domain.stock.read import Level
from oms.domain.work import read as work
from oms.domain.work.read import SeenWork

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
D = TypeVar("D")


MOST_LINES: Final = 50_000
"""How many lines of orders and shipments one answer may come to; their number is known only when they are read."""

_NO_ORDERS: Final[Page[SeenOrder]] = Page((), more=False)


class Reads:
    """Loaders for one viewer. Each batch has a connection of its own, because resolvers run concurrently."""

    def __init__(self, db: Database, viewer: Viewer) -> None:
        self.db = db
        self.viewer = viewer
        self._lines_told = 0
        self.order: DataLoader[UUID, SeenOrder | None] = _loader(lambda ids: orders.of_ids(db, viewer, ids), None)
        self.order_of_shipment: DataLoader[UUID, SeenOrder | None] = _loader(
            lambda ids: orders.of_shipments(db, ids), None
        )
        self.page_of_customer: DataLoader[CustomerPage, Page[SeenOrder]] = _loader(
            lambda pages: orders.pages_of_customers(db, viewer, pages), _NO_ORDERS
        )
        self.lines: DataLoader[UUID, list[Line]] = _loader(lambda ids: orders.lines_of(db, ids), [])
        self.shipments: DataLoader[UUID, list[SeenShipment]] = _loader(
            lambda ids: shipments.of_orders(db, viewer, ids), []
        )
        self.shipment: DataLoader[ShipmentKey, SeenShipment | None] = _loader(
            lambda keys: shipments.of_keys(db, viewer, keys), None
        )
        self.items: DataLoader[ShipmentKey, list[Item]] = _loader(lambda keys: shipments.items_of(db, keys), [])
        self.levels: DataLoader[str, list[Level]] = _loader(lambda skus: stock.levels_of(db, viewer, skus), [])
        self.product_name: DataLoader[str, str | None] = _loader(lambda skus: catalog.names_of(db, skus), None)
        self.work: DataLoader[UUID, list[SeenWork]] = _loader(lambda ids: work.of_orders(db, ids), [])
        self.events: DataLoader[Stretch, list[Event]] = _loader(
            lambda stretches: trail.events_of(db, viewer, stretches), []
        )

    def counted(self, lines: list[V]) -> list[V]:
        """The same lines. Raises Refused(INVALID) once an answer has too many, before anything is made of them."""
        self._lines_told += len(lines)
        if self._lines_told > MOST_LINES:
            message = f"The answer would hold more than {MOST_LINES} lines. Ask for shorter pages (first)."
            raise refused(Code.INVALID, message)
        return lines

    async def name_of(self, sku: str) -> str:
        """The product's name; what the catalogue does not hold goes by its SKU."""
        return await self.product_name.load(sku) or sku


def _loader(read: Callable[[list[K]], Awaitable[Mapping[K, V]]], missing: D) -> DataLoader[K, V | D]:
    async def load(keys: list[K]) -> list[V | D]:
        found = await read(keys)
        return [found.get(key, missing) for key in keys]

    return DataLoader(load_fn=load)
