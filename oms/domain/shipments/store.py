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
    bindparam,
    insert,
    text,
    update,
)

from oms.db import Tx, metadata
from oms.domain.billing.model import Invoice, Payment, PaymentStatus
from oms.domain.shipments.model import Item, Shipment, ShipmentStatus

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

_OF_ORDERS: Final = text("SELECT * FROM shipments WHERE order_id = ANY(CAST(:ids AS uuid[])) ORDER BY order_id, number")
_ITEMS: Final = text(
    """
    SELECT order_id, shipment, line, sku, quantity, unit_price_minor
    FROM allocations WHERE order_id = ANY(CAST(:ids AS uuid[])) ORDER BY order_id, shipment, line
    """
)


async def of_orders(tx: Tx, order_ids: Collection[UUID], *, items: bool) -> list[Shipment]:
    """In the order of (order, number); the caller holds the orders' locks, or reads without."""
    key = {"ids": list(order_ids)}
    held: dict[tuple[UUID, int], list[Item]] = {}
    if items:
        for order_id, number, *item in await tx.conn.execute(_ITEMS, key):
            held.setdefault((order_id, number), []).append(Item(*item))
    rows = (await tx.conn.execute(_OF_ORDERS, key)).mappings()
    return [shipment_of(dict(row), tuple(held.get((row["order_id"], row["number"]), ()))) for row in rows]


async def add(tx: Tx, new: Collection[Shipment]) -> None:
    """Shipments with their items, as an allocation has opened them."""
    if not new:
        return
    await tx.conn.execute(insert(shipments), [_row(shipment) for shipment in new])
    held = [
        {"order_id": shipment.order_id, "shipment": shipment.number, "line": item.line, "sku": item.sku}
        | {"quantity": item.quantity, "unit_price_minor": item.unit_price_minor}
        for shipment in new
        for item in shipment.items
    ]
    await tx.conn.execute(insert(allocations), held)


_IMMUTABLE: Final = ("order_id", "number", "warehouse_code")
_UPDATE: Final = (
    update(shipments)
    .where(shipments.c.order_id == bindparam("k_order_id"), shipments.c.number == bindparam("k_number"))
    .values({column.name: bindparam(column.name) for column in shipments.c if column.name not in _IMMUTABLE})
)


async def change(tx: Tx, changed: Collection[Shipment]) -> None:
    """Writes everything about them that can change; the caller holds the orders' locks."""
    if not changed:
        return
    rows = [_row(shipment) for shipment in changed]
    await tx.conn.execute(
        _UPDATE, [row | {"k_order_id": row.pop("order_id"), "k_number": row.pop("number")} for row in rows]
    )


def _row(shipment: Shipment) -> dict[str, Any]:
    payment, invoice = shipment.payment, shipment.payment.invoice
    return {
        "order_id": shipment.order_id,
        "number": shipment.number,
        "warehouse_code": shipment.warehouse_code,
        "status": str(shipment.status),
        "updated_at": shipment.updated_at,
        "booking_open": shipment.booking_open,
        "courier_code": shipment.courier_code,
        "courier_name": shipment.courier_name,
        "tracking_number": shipment.tracking_number,
        "booked_at": shipment.booked_at,
        "dispatched_at": shipment.dispatched_at,
        "delivered_at": shipment.delivered_at,
        "payment_status": str(payment.status),
        "payment_reason": payment.reason,
        "spending_period": payment.period,
        "charged_minor": payment.charged_minor,
        "refunded_minor": payment.refunded_minor,
        "charged_at": payment.charged_at,
        "invoice_number": invoice and invoice.number,
        "subtotal_minor": invoice and invoice.subtotal_minor,
        "discount_minor": invoice and invoice.discount_minor,
        "tax_minor": invoice and invoice.tax_minor,
        "shipping_minor": invoice and invoice.shipping_minor,
        "issued_at": invoice and invoice.issued_at,
    }


def shipment_of(row: dict[str, Any], items: tuple[Item, ...]) -> Shipment:
    invoice = None
    if row["invoice_number"] is not None:
        invoice = Invoice(
            row["invoice_number"],
            row["subtotal_minor"],
            row["discount_minor"],
            row["tax_minor"],
            row["shipping_minor"],
            row["issued_at"],
        )
    payment = Payment(
        PaymentStatus(row["payment_status"]),
        row["payment_reason"],
        invoice,
        row["spending_period"],
        row["charged_minor"],
        row["refunded_minor"],
        row["charged_at"],
    )
    return Shipment(
        row["order_id"],
        row["number"],
        row["warehouse_code"],
        ShipmentStatus(row["status"]),
        payment,
        items,
        row["updated_at"],
        row["booking_open"],
        row["courier_code"],
        row["courier_name"],
        row["tracking_number"],
        row["booked_at"],
        row["dispatched_at"],
        row["delivered_at"],
    )
