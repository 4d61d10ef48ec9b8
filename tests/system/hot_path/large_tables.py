"""The tables of a shop that has been open for a long time."""

from typing import Final

import asyncpg

from benchmarks.filling.fill import add
from oms.platform.grants import address_of

ORDERS: Final = 20_000

SMALL: Final = frozenset(
    {"figures_progress", "fraud_settings", "shop_settings", "served_versions", "warehouses", "workers"}
)
"""Tables with a row for each warehouse, process or setting. All others grow."""

_NOT_DUE: Final = 5_000
"""Items of work that are not due yet, in each queue."""

_CLAIMED: Final = 200
"""Items that workers hold, in each queue: two batches. They grow with the workers, not with the shop."""

_INSERTS: Final = (
    f"""
    INSERT INTO customers (id, reference, created_at)
    SELECT gen_random_uuid(), 'other-' || n, clock_timestamp() FROM generate_series(1, {ORDERS}) AS n
    """,
    """
    INSERT INTO tallies (customer_id, currency, period, spent_minor)
    SELECT id, 'EUR', 1, 0 FROM customers
    """,
    f"""
    INSERT INTO work (subject_id, part, queue, step, due_at)
    SELECT filling.order_id(n), 0, q, 'EXPIRE', clock_timestamp() + interval '1 day'
    FROM generate_series(1, {_NOT_DUE}) AS n CROSS JOIN unnest(ARRAY['billing', 'booking', 'deadlines']) AS q
    """,
    f"""
    INSERT INTO work (subject_id, part, queue, step, due_at, attempt, claim, leased_until)
    SELECT filling.order_id(n), 1, q, 'BOOK', clock_timestamp() - interval '1 second', 1, gen_random_uuid(),
           clock_timestamp() + interval '1 hour'
    FROM generate_series(1, {_CLAIMED}) AS n CROSS JOIN unnest(ARRAY['allocation', 'billing', 'booking']) AS q
    """,
    f"""
    INSERT INTO work (subject_id, part, queue, step, due_at, held)
    SELECT filling.order_id(n), 2, 'deadlines', 'EXPIRE', clock_timestamp(), true
    FROM generate_series(1, {_NOT_DUE}) AS n
    """,
    f"""
    INSERT INTO products (sku, name, unit_price_minor, currency)
    SELECT 'OTHER-' || n, 'Other', 1000, 'USD' FROM generate_series(1, {ORDERS}) AS n
    """,
    f"""
    INSERT INTO stock (sku, warehouse_code, on_hand)
    SELECT 'OTHER-' || n, w, 1000 FROM generate_series(1, {ORDERS}) AS n CROSS JOIN unnest(ARRAY['NEAR', 'FAR']) AS w
    """,
    f"""
    INSERT INTO idempotency_keys (caller, key, body_hash, subject, created_at)
    SELECT 'token:' || n % 10, 'old-key-' || n, '', '""', clock_timestamp() - interval '1 hour'
    FROM generate_series(1, {ORDERS}) AS n
    """,
    f"""
    INSERT INTO accounts (id, login, name, role, customer_reference, created_at, changed_at)
    SELECT gen_random_uuid(), 'login-' || n, 'Somebody', 'CUSTOMER', 'C-' || lpad(CAST(n AS text), 7, '0'),
           clock_timestamp(), clock_timestamp() FROM generate_series(1, {ORDERS}) AS n
    """,
    """
    INSERT INTO sessions (hash, id, account_id, created_at, last_seen_at, expires_at)
    SELECT sha256(uuid_send(id)), gen_random_uuid(), id, clock_timestamp(), clock_timestamp(),
           clock_timestamp() + interval '1 day' FROM accounts
    """,
    f"""
    INSERT INTO access_tokens (hash, id, name, role, created_at)
    SELECT sha256(CAST('token-' || n AS bytea)), gen_random_uuid(), 'somebody', 'SUPPORT', clock_timestamp()
    FROM generate_series(1, {ORDERS}) AS n
    """,
    f"""
    INSERT INTO audit_events (id, at, actor, principal, action, subject)
    SELECT gen_random_uuid(), clock_timestamp(), 'somebody', 'account:' || n % 100, 'SignedIn', 'account ' || n % 100
    FROM generate_series(1, {ORDERS}) AS n
    """,
)


async def fill(owner_url: str) -> None:
    """Without gathering statistics: statements keep the plans for small tables."""
    await add(owner_url, ORDERS)
    connection = await asyncpg.connect(address_of(owner_url))
    try:
        for statement in _INSERTS:
            await connection.execute(statement)
    finally:
        await connection.close()


async def gather_statistics(owner_url: str) -> None:
    connection = await asyncpg.connect(address_of(owner_url))
    try:
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
