"""The tables of the order aggregate. No foreign keys: each is reached by the order's key (docs/decisions, 8)."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from oms.domain.order.shipment import WITH_COURIER
from oms.domain.vocabulary.machine import sql_list
from oms.platform.tables import PLAIN, Access, CustomerRows, personal, secret, table

_BY_ORDER: Final = ("order_id", "order")
_ORDERS: Final = "SELECT id FROM orders WHERE customer_reference = :reference"
_OF_ORDERS: Final = CustomerRows(f"order_id IN ({_ORDERS})", through_others=True)

orders: Final = table(
    "orders",
    Column("id", Uuid, primary_key=True),
    Column("reference", Text(collation="C"), nullable=False, info=PLAIN),
    Column("customer_id", Uuid, nullable=False, info={"export": False}),
    # Repeated here, so that a customer's orders are found without a join.
    Column("customer_reference", Text(collation="C"), nullable=False, info=personal(":pseudonym") | {"export": False}),
    Column("status", Text, nullable=False, info=PLAIN),
    Column("currency", Text, nullable=False, info=PLAIN),
    Column("payment_method", Text, nullable=False, info=personal("'erased'")),
    Column("email", Text, info=personal()),
    Column("phone", Text, info=personal()),
    Column("shipping_address", JSONB(none_as_null=True), info=personal()),
    # The customer's own words. The event log is permanent, so it does not contain them.
    Column("cancel_reason", Text, info=personal()),
    Column("placed_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Column("action_deadline", DateTime(timezone=True)),
    Column("last_seq", Integer, nullable=False, info={"export": False}),
    # What its customer calls it, if they placed it themselves.
    Column("own_reference", Text(collation="C"), info=PLAIN),
    Index(None, "customer_reference", "id"),
    # What a customer has open is counted when they place an order (placing/store.py). A cart's orders are not in it.
    Index(
        "ix_orders_placed_by_customers",
        "customer_reference",
        postgresql_where=text("own_reference IS NOT NULL AND closed_at IS NULL"),
    ),
    Index(None, "status", "id"),
    Index(None, "closed_at", postgresql_where=text("closed_at IS NOT NULL")),
    # A row is updated six times, mostly without a change of an indexed column: if the new version fits on the same
    # page, no index is touched.
    postgresql_with={"fillfactor": 70},
    access=Access.CHANGE,
    distributed_by=("id", "order"),
    customer_rows=CustomerRows("customer_reference = :reference"),
)

# Which order has which reference. A separate table, so that both can be distributed by a key of their own while each
# reference stays unique (docs/guides/scaling.md): in the shop, or among those that one customer chose.
order_references: Final = table(
    "order_references",
    Column("reference", Text(collation="C"), primary_key=True, info=PLAIN),
    # The customer who chose the reference; '': the shop.
    Column(
        "owner",
        Text(collation="C"),
        primary_key=True,
        server_default=text("''"),
        info=personal("CASE WHEN owner = '' THEN '' ELSE :pseudonym END"),
    ),
    Column("order_id", Uuid, nullable=False),
    # The hash of what was ordered would confirm a guessed address. Without it, a repeat of the order is a DUPLICATE.
    Column("content_hash", LargeBinary, nullable=False, info=secret("uuid_send(gen_random_uuid())")),
    access=Access.CHANGE,
    distributed_by=("reference", "order reference"),
    customer_rows=CustomerRows(
        "owner = :reference"
        " OR owner = '' AND reference IN (SELECT reference FROM orders WHERE customer_reference = :reference)",
        through_others=True,
        export=False,
    ),
)

order_lines: Final = table(
    "order_lines",
    Column("order_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("sku", Text(collation="C"), nullable=False, info=PLAIN),
    Column("quantity", Integer, nullable=False),
    Column("unit_price_minor", BigInteger, nullable=False),
    Column("unavailable", Integer, nullable=False, server_default=text("0")),
    Index(None, "sku", "order_id"),
    access=Access.CHANGE,
    distributed_by=_BY_ORDER,
    customer_rows=_OF_ORDERS,
)

order_events: Final = table(
    "order_events",
    Column("order_id", Uuid, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("type", Text, nullable=False, info=PLAIN),
    Column("actor", Text, nullable=False, info=PLAIN),  # customers by their role only
    Column("actor_role", Text, info=PLAIN),
    Column("reason", Text, info=PLAIN),
    Column("subject", Text, nullable=False, info=PLAIN),  # the part that it concerns, such as shipment/2; '': the order
    Column("data", JSONB, nullable=False, info=PLAIN),
    # The writing transaction: readers of all orders stop before the oldest open one (order_queries/event_log.py).
    Column(
        "transaction",
        BigInteger,
        nullable=False,
        server_default=text("(pg_current_xact_id()::text::bigint)"),
        info={"export": False},
    ),
    Index(None, "transaction"),
    access=Access.APPEND,
    distributed_by=_BY_ORDER,
    customer_rows=_OF_ORDERS,
)

shipments: Final = table(
    "shipments",
    Column("order_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("warehouse_code", Text, nullable=False, info=PLAIN),
    Column("status", Text, nullable=False, info=PLAIN),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("booking_open", Boolean, nullable=False),
    Column("courier_code", Text, info=PLAIN),
    Column("courier_name", Text, info=PLAIN),
    Column("tracking_number", Text, info=PLAIN),
    Column("booked_at", DateTime(timezone=True)),
    Column("dispatched_at", DateTime(timezone=True)),
    Column("delivered_at", DateTime(timezone=True)),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("attempted_at", DateTime(timezone=True)),
    Column("payment_status", Text, nullable=False, info=PLAIN),
    Column("payment_reason", Text, info=PLAIN),
    Column("spending_period", Integer),
    Column("charged_minor", BigInteger, nullable=False),
    Column("refunded_minor", BigInteger, nullable=False),
    Column("charged_at", DateTime(timezone=True)),
    Column("invoice_number", Text, info=PLAIN),
    Column("subtotal_minor", BigInteger),
    Column("discount_minor", BigInteger),
    Column("tax_minor", BigInteger),
    Column("shipping_minor", BigInteger),
    Column("issued_at", DateTime(timezone=True)),
    CheckConstraint("0 <= refunded_minor AND refunded_minor <= charged_minor", name="refunds"),
    Index(None, "status", "order_id", "number"),
    Index(None, "warehouse_code", "order_id", "number"),
    Index(None, "status", "warehouse_code", postgresql_where=text(f"status IN ({sql_list(WITH_COURIER)})")),
    Index(None, "delivered_at", "warehouse_code", postgresql_where=text("delivered_at IS NOT NULL")),
    Index(None, "tracking_number", postgresql_where=text("tracking_number IS NOT NULL")),
    # Billing updates each row twice without a change of an indexed column.
    postgresql_with={"fillfactor": 60},
    access=Access.CHANGE,
    distributed_by=_BY_ORDER,
    customer_rows=_OF_ORDERS,
)

allocations: Final = table(
    "allocations",
    Column("order_id", Uuid, primary_key=True),
    Column("shipment", Integer, primary_key=True),
    Column("line", Integer, primary_key=True),
    Column("sku", Text(collation="C"), nullable=False, info=PLAIN),
    Column("quantity", Integer, nullable=False),
    Column("unit_price_minor", BigInteger, nullable=False),
    access=Access.APPEND,
    distributed_by=_BY_ORDER,
    customer_rows=_OF_ORDERS,
)
