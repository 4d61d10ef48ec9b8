"""Shipments and their allocations in PostgreSQL."""

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)

from oms.domain.order.payment import Invoice, Payment, PaymentStatus
from oms.domain.order.shipment import Item, Shipment, ShipmentStatus
from oms.platform.db import Database, Row, Statement, Tx, columns, metadata

shipments: Final = Table(
    "shipments",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("warehouse_code", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("booking_open", Boolean, nullable=False),
    Column("courier_code", Text),
    Column("courier_name", Text),
    Column("tracking_number", Text),
    Column("booked_at", DateTime(timezone=True)),
    Column("dispatched_at", DateTime(timezone=True)),
    Column("delivered_at", DateTime(timezone=True)),
    Column("payment_status", Text, nullable=False),
    Column("payment_reason", Text),
    Column("spending_period", Integer),
    Column("charged_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
    Column("charged_at", DateTime(timezone=True)),
    Column("invoice_number", Text),
    Column("subtotal_minor", BigInteger),
    Column("discount_minor", BigInteger),
    Column("tax_minor", BigInteger),
    Column("shipping_minor", BigInteger),
    Column("issued_at", DateTime(timezone=True)),
    CheckConstraint("0 <= refunded_minor AND refunded_minor <= charged_minor", name="refunds"),
    Index(None, "status", "order_id", "number"),
    Index(None, "warehouse_code", "order_id", "number"),
    Index(None, "status", "warehouse_code", postgresql_where=text("status IN ('BOOKED', 'DISPATCHED')")),
    Index(None, "delivered_at", "warehouse_code", postgresql_where=text("delivered_at IS NOT NULL")),
    Index(None, "tracking_number", postgresql_where=text("tracking_number IS NOT NULL")),
    # Billing writes each row again twice, and changes nothing that an index has.
    postgresql_with={"fillfactor": 60},
)

allocations: Final = Table(
    "allocations",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("shipment", Integer, primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("sku", Text(collation="C"), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("unit_price_minor", BigInteger, nullable=False),
)

COLUMNS: Final = ", ".join(f"s.{column.name}" for column in shipments.c)
"""Of a shipment `s`, as shipment_of() takes them."""

_OF_ORDERS: Final = Statement(
    f"SELECT {COLUMNS} FROM shipments s WHERE order_id = ANY(CAST(:ids AS uuid[])) ORDER BY order_id, number"  # noqa: S608 - names above
)
_ITEMS: Final = Statement(
    """
    SELECT order_id, shipment, line, sku, quantity, unit_price_minor
    FROM allocations WHERE order_id = ANY(CAST(:ids AS uuid[])) ORDER BY order_id, shipment, line
    """
)


async def of_orders(source: Tx | Database, order_ids: Collection[UUID], *, items: bool) -> list[Shipment]:
    """In the order of (order, number); the caller holds the orders' locks, or reads without."""
    ids = list(order_ids)
    held: dict[tuple[UUID, int], list[Item]] = {}
    if items:
        for order_id, number, *item in await source.rows(_ITEMS, ids=ids):
            held.setdefault((order_id, number), []).append(Item(*item))
    rows = await source.rows(_OF_ORDERS, ids=ids)
    return [shipment_of(row, tuple(held.get((row[0], row[1]), ()))) for row in rows]


_OPENED: Final = ("orders", "numbers", "warehouses", "statuses", "updated", "payments")
_HELD: Final = ("h_order", "h_number", "h_line", "h_sku", "h_quantity", "h_price")
_ADD: Final = Statement(
    """
    WITH opened AS (
        INSERT INTO shipments (order_id, number, warehouse_code, status, updated_at, payment_status,
                               booking_open, charged_minor, refunded_minor)
        SELECT t.*, false, 0, 0 FROM unnest(
            CAST(:orders AS uuid[]), CAST(:numbers AS int[]), CAST(:warehouses AS text[]), CAST(:statuses AS text[]),
            CAST(:updated AS timestamptz[]), CAST(:payments AS text[])) AS t)
    INSERT INTO allocations (order_id, shipment, line, sku, quantity, unit_price_minor)
    SELECT * FROM unnest(
        CAST(:h_order AS uuid[]), CAST(:h_number AS int[]), CAST(:h_line AS int[]), CAST(:h_sku AS text[]),
        CAST(:h_quantity AS int[]), CAST(:h_price AS bigint[]))
    """
)


async def add(tx: Tx, new: Collection[Shipment]) -> None:
    """Shipments with their items, as an allocation has opened them: not billed, not booked."""
    if not new:
        return
    opened = [(s.order_id, s.number, s.warehouse_code, str(s.status), s.updated_at, str(s.payment.status)) for s in new]
    held = [
        (shipment.order_id, shipment.number, item.line, item.sku, item.quantity, item.unit_price_minor)
        for shipment in new
        for item in shipment.items
    ]
    await tx.run(_ADD, **columns(_OPENED, opened), **columns(_HELD, held))


_CHANGING: Final = {
    "status": "text",
    "updated_at": "timestamptz",
    "booking_open": "boolean",
    "courier_code": "text",
    "courier_name": "text",
    "tracking_number": "text",
    "booked_at": "timestamptz",
    "dispatched_at": "timestamptz",
    "delivered_at": "timestamptz",
    "payment_status": "text",
    "payment_reason": "text",
    "spending_period": "int",
    "charged_minor": "bigint",
    "refunded_minor": "bigint",
    "charged_at": "timestamptz",
    "invoice_number": "text",
    "subtotal_minor": "bigint",
    "discount_minor": "bigint",
    "tax_minor": "bigint",
    "shipping_minor": "bigint",
    "issued_at": "timestamptz",
}
"""Columns that change once a shipment is there, and their types."""

_KEYED: Final = {"order_id": "uuid", "number": "int"} | _CHANGING
_CHANGE: Final = Statement(
    f"""
    UPDATE shipments SET {", ".join(f"{name} = t.{name}" for name in _CHANGING)}
    FROM unnest({", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _KEYED.items())}) AS t({", ".join(_KEYED)})
    WHERE shipments.order_id = t.order_id AND shipments.number = t.number
    """  # noqa: S608 - names above
)


async def change(tx: Tx, changed: Collection[Shipment]) -> None:
    """Writes everything about them that can change; the caller holds the orders' locks."""
    if changed:
        await tx.run(_CHANGE, **columns(tuple(_KEYED), [_row(shipment) for shipment in changed]))


_NO_INVOICE: Final = (None,) * 6


def _row(shipment: Shipment) -> tuple[Any, ...]:
    """In the order of _KEYED."""
    payment, invoice = shipment.payment, shipment.payment.invoice
    return (
        shipment.order_id,
        shipment.number,
        str(shipment.status),
        shipment.updated_at,
        shipment.booking_open,
        shipment.courier_code,
        shipment.courier_name,
        shipment.tracking_number,
        shipment.booked_at,
        shipment.dispatched_at,
        shipment.delivered_at,
        str(payment.status),
        payment.reason,
        payment.period,
        payment.charged_minor,
        payment.refunded_minor,
        payment.charged_at,
        *(_invoice_row(invoice) if invoice else _NO_INVOICE),
    )


def _invoice_row(invoice: Invoice) -> tuple[Any, ...]:
    return (
        invoice.number,
        invoice.subtotal_minor,
        invoice.discount_minor,
        invoice.tax_minor,
        invoice.shipping_minor,
        invoice.issued_at,
    )


def shipment_of(values: Row, items: tuple[Item, ...]) -> Shipment:
    """From values in the order of COLUMNS."""
    order_id, number, warehouse_code, status, updated_at, *on_its_way = values[:12]
    payment_status, reason, period, charged_minor, refunded_minor, charged_at, *invoiced = values[12:]
    invoice = Invoice(*invoiced) if invoiced[0] is not None else None
    payment = Payment(PaymentStatus(payment_status), reason, invoice, period, charged_minor, refunded_minor, charged_at)
    return Shipment(order_id, number, warehouse_code, ShipmentStatus(status), payment, items, updated_at, *on_its_way)
