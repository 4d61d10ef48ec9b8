"""Every place in PostgreSQL that holds something about one customer: read together, and made to forget together."""

from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from oms.platform.db import Tx

MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Erased:
    """The customer's new reference, and of how much what was personal is gone."""

    pseudonym: str
    orders: int
    accounts: int
    tokens: int

    def counts(self) -> dict[str, int]:
        return {name: count for name, count in asdict(self).items() if name != "pseudonym"}


_ORDERS: Final = "SELECT id FROM orders WHERE customer_reference = :reference"
_ACCOUNTS: Final = "SELECT id FROM accounts WHERE customer_reference = :reference"
_TOKENS: Final = "SELECT id FROM access_tokens WHERE customer_reference = :reference"
_CALLERS: Final = f"""
    SELECT 'account:' || id FROM ({_ACCOUNTS}) a UNION ALL SELECT 'token:' || id FROM ({_TOKENS}) t
"""

_HELD: Final = {
    "customer": "SELECT * FROM customers WHERE id = :customer",
    "accounts": (
        "SELECT id, login, name, role, customer_reference, openid_issuer, openid_subject, created_at, changed_at, "
        "disabled_at FROM accounts WHERE customer_reference = :reference ORDER BY id"
    ),
    "sessions": (
        "SELECT id, account_id, created_at, last_seen_at, expires_at, ended_at FROM sessions "
        f"WHERE account_id IN ({_ACCOUNTS}) ORDER BY id"
    ),
    "tokens": (
        "SELECT id, name, role, customer_reference, created_at, expires_at, revoked_at FROM access_tokens "
        "WHERE customer_reference = :reference ORDER BY id"
    ),
    "orders": (
        "SELECT id, reference, status, currency, payment_method, email, shipping_address, cancel_reason, placed_at, "
        "closed_at, action_deadline FROM orders WHERE customer_reference = :reference ORDER BY id"
    ),
    "order_lines": f"SELECT * FROM order_lines WHERE order_id IN ({_ORDERS}) ORDER BY order_id, number",
    "shipments": f"SELECT * FROM shipments WHERE order_id IN ({_ORDERS}) ORDER BY order_id, number",
    "order_events": (
        "SELECT order_id, seq, at, type, actor, actor_role, reason, shipment, data FROM order_events "
        f"WHERE order_id IN ({_ORDERS}) ORDER BY order_id, seq"
    ),
    "tallies": "SELECT currency, period, spent_minor FROM tallies WHERE customer_id = :customer ORDER BY currency",
    "idempotency_keys": (
        "SELECT caller, key, subject, created_at FROM idempotency_keys "
        f"WHERE caller IN ({_CALLERS}) ORDER BY created_at"
    ),
    "audit_events": (
        "SELECT at, action, subject, before, after, reason FROM audit_events "
        f"WHERE principal IN ({_CALLERS}) ORDER BY id"
    ),
}  # fmt: skip
"""By table, what it holds about the customer; hashes of secrets are not theirs to read."""


async def everything(tx: Tx, customer: UUID, reference: str) -> dict[str, Any]:
    """JSON values: a list of rows for each table."""
    held = {}
    for table, query in _HELD.items():
        rows = text(f"SELECT coalesce(jsonb_agg(to_jsonb(held)), '[]') FROM ({query}) held")
        held[table] = (await tx.conn.execute(rows, _bound(query, customer, reference))).scalar_one()
    return held


_OPEN: Final = text(
    """
    SELECT reference FROM orders o WHERE customer_reference = :reference
    AND (closed_at IS NULL OR EXISTS (SELECT FROM work w WHERE w.order_id = o.id)) ORDER BY id LIMIT :most
    """
)


async def open_orders(tx: Tx, reference: str) -> list[str]:
    """References of orders that are not closed, or whose refund or release is still to be done; at most five."""
    return list((await tx.conn.execute(_OPEN, {"reference": reference, "most": MOST_NAMED})).scalars())


_FORGET_ORDERS: Final = """
    UPDATE orders SET email = NULL, shipping_address = NULL, cancel_reason = NULL, payment_method = 'erased',
                      customer_reference = :pseudonym
    WHERE customer_reference = :reference
"""
# The hash of what was ordered would confirm a guessed address. Without it a repeat of the order is a DUPLICATE.
_FORGET_CONTENTS: Final = """
    UPDATE order_references r SET content_hash = uuid_send(gen_random_uuid())
    FROM orders o WHERE o.customer_reference = :reference AND r.reference = o.reference
"""
_FORGET_KEYS: Final = f"""
    DELETE FROM idempotency_keys WHERE caller IN ({_CALLERS})
    OR subject IN (SELECT to_jsonb(replace(id::text, '-', '')) FROM ({_ORDERS}) o)
"""
_END_SESSIONS: Final = f"DELETE FROM sessions WHERE account_id IN ({_ACCOUNTS})"
_FORGET_ACCOUNTS: Final = """
    UPDATE accounts SET login = 'erased-' || replace(id::text, '-', ''), name = 'erased', password_hash = NULL,
                        openid_issuer = NULL, openid_subject = NULL, customer_reference = :pseudonym,
                        disabled_at = coalesce(disabled_at, clock_timestamp()), changed_at = clock_timestamp()
    WHERE customer_reference = :reference
"""
_FORGET_TOKENS: Final = """
    UPDATE access_tokens SET name = 'erased', customer_reference = :pseudonym,
                             revoked_at = coalesce(revoked_at, clock_timestamp())
    WHERE customer_reference = :reference
"""
_RENAME: Final = "UPDATE customers SET reference = :pseudonym WHERE id = :customer"


async def erase(tx: Tx, customer: UUID, reference: str) -> Erased:
    """The caller holds the customer's row."""
    pseudonym = f"erased-{customer.hex}"

    async def change(statement: str) -> int:
        return (await tx.conn.execute(text(statement), _bound(statement, customer, reference, pseudonym))).rowcount

    await change(_FORGET_KEYS)
    await change(_END_SESSIONS)
    await change(_FORGET_CONTENTS)
    orders, accounts, tokens = [await change(each) for each in (_FORGET_ORDERS, _FORGET_ACCOUNTS, _FORGET_TOKENS)]
    await change(_RENAME)
    return Erased(pseudonym, orders, accounts, tokens)


def _bound(statement: str, customer: UUID, reference: str, pseudonym: str = "") -> dict[str, Any]:
    """Of the values, those that the statement names."""
    values = {"customer": customer, "reference": reference, "pseudonym": pseudonym}
    return {name: value for name, value in values.items() if f":{name}" in statement}
