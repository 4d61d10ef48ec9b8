"""The tables of the audit log: entries, the chain that seals them, and the addresses that they came from."""

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, LargeBinary, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from oms.domain.access.principals import CALLERS
from oms.platform.tables import INTERNAL, NOBODY, PLAIN, Access, CustomerRows, secret, table

_OWN: Final = f"principal IN ({CALLERS})"

audit_events: Final = table(
    "audit_events",
    Column("id", Uuid, primary_key=True, info={"export": False}),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor", Text, nullable=False, info=INTERNAL),
    Column("actor_role", Text, info=INTERNAL),
    Column("principal", Text, nullable=False, info=INTERNAL),
    Column("action", Text, nullable=False, info=PLAIN),
    Column("subject", Text, nullable=False, info=PLAIN),
    Column("before", JSONB(none_as_null=True), info=PLAIN),
    Column("after", JSONB(none_as_null=True), info=PLAIN),
    Column("reason", Text, info=PLAIN),
    Column("order_id", Uuid, info={"export": False}),
    Column("seq", Integer, info={"export": False}),
    Column("session_id", Uuid, info={"export": False}),
    # SHA-256 of the salt and the address in audit_addresses, so that the seal outlives them and reveals nothing.
    Column("address_digest", LargeBinary, info=secret(erase=None)),
    # The sealer finds new entries by it, because a transaction that began earlier may commit later.
    Column(
        "transaction",
        BigInteger,
        nullable=False,
        server_default=text("(pg_current_xact_id()::text::bigint)"),
        info={"export": False},
    ),
    Index(None, "actor", "id"),
    Index(None, "principal", "id"),
    Index(None, "action", "id"),
    Index(None, "subject", "id"),
    Index(None, "transaction", "id"),
    access=Access.APPEND,
    distributed_by=("id", "audit entry"),
    customer_rows=CustomerRows(_OWN, through_others=True),
)

audit_addresses: Final = table(
    "audit_addresses",
    Column("audit_id", Uuid, primary_key=True, info={"export": False}),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("principal", Text, nullable=False, info=INTERNAL),
    Column("address", Text, nullable=False, info={"personal": True}),
    Column("salt", LargeBinary, nullable=False, info=secret(erase=None)),
    Index(None, "at"),
    Index(None, "principal"),
    access=Access.REMOVE,
    distributed_by=("audit_id", "audit entry"),
    customer_rows=CustomerRows(_OWN, through_others=True, delete=True),
)

audit_chain: Final = table(
    "audit_chain",
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("audit_id", Uuid, nullable=False, unique=True),
    Column("transaction", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False, info=secret(erase=None)),
    access=Access.APPEND,
    distributed_by=(None, "one chain, on one node"),
    customer_rows=NOBODY,
)
