"""Every table, for those who need them all at once: migrations and the check that they match."""

from oms.domain.audit.store import audit_events
from oms.domain.catalog.store import products, warehouses
from oms.domain.customers.store import customers
from oms.domain.fraud.store import fraud_events, fraud_settings, tallies
from oms.domain.idempotency.store import idempotency_keys
from oms.domain.identity.account_store import accounts
from oms.domain.identity.session_store import sessions
from oms.domain.inventory.store import stock
from oms.domain.order.shipment_rows import allocations, shipments
from oms.domain.order.store import order_events, order_lines, order_references, orders
from oms.domain.tokens.store import access_tokens
from oms.domain.work.store import work, workers
from oms.platform.db import metadata

__all__ = [
    "access_tokens", "accounts", "allocations", "audit_events", "customers", "fraud_events", "fraud_settings",
    "idempotency_keys", "metadata", "order_events", "order_lines", "order_references", "orders", "products", "sessions",
    "shipments", "stock", "tallies", "warehouses", "work", "workers",
]  # fmt: skip
