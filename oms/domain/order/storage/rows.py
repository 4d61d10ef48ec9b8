"""Converts between rows and the aggregate's objects: the only place that maps columns to fields."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final

import orjson
from sqlalchemy import Column
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB

from oms.domain.order.details import OrderDetails
from oms.domain.order.model import Order, OrderStatus
from oms.domain.order.payment import Invoice, Payment, PaymentStatus
from oms.domain.order.shipment import Item, Shipment, ShipmentStatus
from oms.domain.order.storage.tables import order_lines, orders, shipments
from oms.platform.db import Row

_DETAILS: Final = tuple(field.name for field in fields(OrderDetails))
_STATE: Final = tuple(field.name for field in fields(Order))[: len(fields(Order)) - 4]
"""The fields of Order that are columns of the same name: all but details, lines, shipments and new events."""

ORDER_COLUMNS: Final = (*_STATE, *_DETAILS)
_STATUS: Final = _STATE.index("status")
_STATE_COUNT: Final = len(_STATE)
CURRENCY: Final = _STATE.index("currency")
"""Where the currency is in a row of ORDER_COLUMNS."""


def order_of(row: Row) -> Order:
    """From values in the order of ORDER_COLUMNS."""
    values = [*row[:_STATE_COUNT], OrderDetails(*row[_STATE_COUNT:])]
    values[_STATUS] = OrderStatus(values[_STATUS])
    return Order(*values)


def order_row(order: Order) -> list[Any]:
    """Values in the order of ORDER_COLUMNS."""
    values = list(_state_of(order))
    values[_STATUS] = str(order.status)
    details = zip(_details_of(order.details), _IS_JSON, strict=True)
    return values + [_json(value) if is_json else value for value, is_json in details]


_state_of: Final = attrgetter(*_STATE)
_details_of: Final = attrgetter(*_DETAILS)
_IS_JSON: Final = tuple(isinstance(orders.c[name].type, JSONB) for name in _DETAILS)


def _json(value: Any) -> str | None:
    """As text, as the driver expects it; an empty object is stored as NULL."""
    return orjson.dumps(value).decode() if value else None


def sql_type(column: Column[Any]) -> str:
    """The column's type as PostgreSQL writes it, without a collation, for casts."""
    kind = column.type.compile(dialect=postgresql.dialect()).lower()  # type: ignore[no-untyped-call]
    return kind.partition(" collate ")[0].replace("timestamp with time zone", "timestamptz")


def unnested(columns: Iterable[Column[Any]], prefix: str = "") -> str:
    """`unnest(CAST(:a AS type[]), …)` for arrays that are bound under the columns' names."""
    casts = ", ".join(f"CAST(:{prefix}{column.name} AS {sql_type(column)}[])" for column in columns)
    return f"unnest({casts})"


LINE_COLUMNS: Final = ("number", "sku", "quantity", "unit_price_minor", "unavailable")
"""In the order of Line's fields."""

line_values: Final = attrgetter(*LINE_COLUMNS)

LINES: Final = f"""
    SELECT order_id, {", ".join(LINE_COLUMNS)}
    FROM {order_lines.name} WHERE order_id = ANY(CAST(:ids AS uuid[])) ORDER BY order_id, number
"""  # noqa: S608 - names above

ITEM_COLUMNS: Final = ("line", "sku", "quantity", "unit_price_minor")
"""In the order of Item's fields."""

SHIPMENT_COLUMNS: Final = ", ".join(f"s.{column.name}" for column in shipments.c)
"""Of a shipment `s`, as shipment_of() takes them."""


def shipment_of(values: Row, items: tuple[Item, ...]) -> Shipment:
    """From values in the order of SHIPMENT_COLUMNS."""
    order_id, number, warehouse_code, status, updated_at, *on_its_way = values[:14]
    payment_status, reason, period, charged_minor, refunded_minor, charged_at, *invoiced = values[14:]
    invoice = Invoice(*invoiced) if invoiced[0] is not None else None
    payment = Payment(PaymentStatus(payment_status), reason, invoice, period, charged_minor, refunded_minor, charged_at)
    return Shipment(order_id, number, warehouse_code, ShipmentStatus(status), payment, items, updated_at, *on_its_way)


_NO_INVOICE: Final = (None,) * 6


def shipment_row(shipment: Shipment) -> Sequence[Any]:
    """Values in the order of shipments' columns, but the warehouse, which never changes."""
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
        shipment.attempts,
        shipment.attempted_at,
        str(payment.status),
        payment.reason,
        payment.period,
        payment.charged_minor,
        payment.refunded_minor,
        payment.charged_at,
        *(_invoice_row(invoice) if invoice else _NO_INVOICE),
    )


def _invoice_row(invoice: Invoice) -> Sequence[Any]:
    return (
        invoice.number,
        invoice.subtotal_minor,
        invoice.discount_minor,
        invoice.tax_minor,
        invoice.shipping_minor,
        invoice.issued_at,
    )
