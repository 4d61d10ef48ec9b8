"""Shipments: what leaves one warehouse together."""

from typing import TYPE_CHECKING, Annotated, Self

import strawberry

from oms.domain.access.permissions import may
from oms.domain.fulfilment import rules
from oms.domain.fulfilment.policy import FulfilmentPermission
from oms.domain.order.shipment import Item
from oms.domain.order_queries import shipment_counts, shipments
from oms.domain.order_queries.shipment_counts import MAX_COUNTED, Counted
from oms.domain.order_queries.shipments import SeenShipment, ShipmentQuery
from oms.domain.vocabulary.ids import line_id, parse_shipment, shipment_id
from oms.schema.billing import Invoice, Payment
from oms.schema.catalog import Warehouse
from oms.schema.runtime.connections import PAGE, Connection, Node, connection, size
from oms.schema.runtime.context import Info
from oms.schema.runtime.enums import ShipmentStatus
from oms.schema.runtime.fields import field
from oms.schema.runtime.money import Money, money
from oms.schema.runtime.reads import Reads
from oms.schema.runtime.scalars import Instant

if TYPE_CHECKING:
    from oms.schema.order import Order


@strawberry.type
class ShipmentLine:
    """Units of an order line in a shipment."""

    reads: strawberry.Private[Reads]
    order_line_id: strawberry.ID
    sku: str
    quantity: int
    unit_price: Money | None = strawberry.field(description="Null for couriers.")

    @field("The product's name in the catalogue as it is now, or its SKU where it has none.")
    async def name(self) -> str:
        return await self.reads.name_of(self.sku)


@strawberry.type
class Courier:
    """Who carries a shipment."""

    code: str
    name: str


@strawberry.type
class Shipment(Node):
    """As `seen`; what it did not read comes from `reads`."""

    reads: strawberry.Private[Reads]
    seen: strawberry.Private[SeenShipment]
    status: ShipmentStatus
    warehouse: Warehouse
    tracking_number: str | None
    booked_at: Instant | None
    dispatched_at: Instant | None
    delivered_at: Instant | None
    updated_at: Instant

    @classmethod
    def of(cls, reads: Reads, seen: SeenShipment) -> Self:
        shipment = seen.shipment
        return cls(
            id=strawberry.ID(shipment_id(*seen.key)),
            reads=reads,
            seen=seen,
            status=shipment.status,
            warehouse=Warehouse.of(seen.warehouse),
            tracking_number=shipment.tracking_number,
            booked_at=Instant(shipment.booked_at) if shipment.booked_at else None,
            dispatched_at=Instant(shipment.dispatched_at) if shipment.dispatched_at else None,
            delivered_at=Instant(shipment.delivered_at) if shipment.delivered_at else None,
            updated_at=Instant(shipment.updated_at),
        )

    @strawberry.field
    async def order(self) -> Annotated["Order", strawberry.lazy("oms.schema.order")]:
        from oms.schema.order import Order  # noqa: PLC0415 - each of the two types has the other as a field

        seen = await self.reads.order_of_shipment.load(self.seen.shipment.order_id)
        if seen is None:
            raise LookupError("a shipment without its order")
        return Order.of(self.reads, seen)

    @strawberry.field
    async def lines(self) -> list[ShipmentLine]:
        return [self._line(item) for item in self.reads.counted(await self.reads.items.load(self.seen.key))]

    def _line(self, item: Item) -> ShipmentLine:
        return ShipmentLine(
            reads=self.reads,
            order_line_id=strawberry.ID(line_id(self.seen.shipment.order_id, item.line)),
            sku=item.sku,
            quantity=item.quantity,
            unit_price=money(item.unit_price_minor, self.seen.currency),
        )

    @field("Present once the billing system has calculated the cost. Null for couriers.")
    def invoice(self) -> Invoice | None:
        issued = self.seen.shipment.payment.invoice
        return Invoice.of(issued, self.seen.currency) if issued else None

    @field("Null for couriers.")
    def payment(self) -> Payment | None:
        return Payment.of(self.seen.shipment.payment, self.seen.currency)

    @field("Present once booked.")
    def courier(self) -> Courier | None:
        code, name = self.seen.shipment.courier_code, self.seen.shipment.courier_name
        return Courier(code=code, name=name or code) if code else None

    @strawberry.field
    def viewer_can_dispatch(self) -> bool:
        return may(self.reads.viewer, FulfilmentPermission.DISPATCH) and rules.can_dispatch(self.seen.shipment)

    @strawberry.field
    def viewer_can_deliver(self) -> bool:
        return may(self.reads.viewer, FulfilmentPermission.DELIVER) and rules.can_deliver(self.seen.shipment)

    @field("Whether the viewer may report it as lost, refused, undeliverable or never collected.")
    def viewer_can_fail(self) -> bool:
        return may(self.reads.viewer, FulfilmentPermission.FAIL_SHIPMENT) and rules.can_fail(self.seen.shipment)


@strawberry.input
class ShipmentFilter:
    """Which shipments; what is left out does not matter, an empty list of statuses matches nothing."""

    status: list[ShipmentStatus] | None = None
    warehouse_code: str | None = None
    delivered_from: Instant | None = strawberry.field(
        default=None, description="Only what was delivered then or later. Inclusive."
    )


def question_of(asked: ShipmentFilter | None) -> ShipmentQuery:
    if asked is None:
        return ShipmentQuery()
    statuses = frozenset(asked.status) if asked.status is not None else None
    return ShipmentQuery(statuses, asked.warehouse_code, asked.delivered_from)


@strawberry.type
class ShipmentCount:
    """How many shipments are at the same point of their way."""

    status: ShipmentStatus
    count: int = strawberry.field(description=f"At most {MAX_COUNTED}, which then means that many or more.")

    @classmethod
    def of(cls, counted: Counted) -> Self:
        return cls(status=counted.status, count=counted.count)


async def shipment_of_id(reads: Reads, text: str) -> Shipment | None:
    """None for a malformed id, and for what does not exist or the viewer may not see."""
    key = parse_shipment(text)
    seen = await reads.shipment.load(key) if key else None
    return Shipment.of(reads, seen) if seen else None


@strawberry.type
class ShipmentQueries:
    """Reading shipments."""

    @strawberry.field
    async def shipment(self, info: Info, id: strawberry.ID) -> Shipment | None:  # noqa: A002 - the contract's name
        return await shipment_of_id(info.context.reads, id)

    @field("Newest first.")
    async def shipments(
        self,
        info: Info,
        first: int | None = PAGE,
        after: str | None = None,
        filter: ShipmentFilter | None = None,  # noqa: A002
    ) -> Connection[Shipment]:
        reads = info.context.reads
        page = await shipments.page(reads.db, reads.viewer, question_of(filter), first=size(first), after=after)
        return connection(
            page, after=after, cursor=lambda seen: seen.cursor, node=lambda seen: Shipment.of(reads, seen)
        )

    @field(
        "How many are BOOKED, how many are DISPATCHED and how many were DELIVERED within the last 24 hours,"
        " everywhere or in one warehouse. For couriers, managers and support."
    )
    async def shipment_counts(self, info: Info, warehouse_code: str | None = None) -> list[ShipmentCount]:
        found = await shipment_counts.counts(info.context.db, info.context.viewer, warehouse_code)
        return [ShipmentCount.of(counted) for counted in found]
