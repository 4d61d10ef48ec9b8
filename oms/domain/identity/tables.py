"""The tables of accounts, sessions and known devices."""

from typing import Final

from sqlalchemy import ARRAY, Column, DateTime, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, Uuid

from oms.platform.tables import EVERYWHERE, INTERNAL, PLAIN, Access, CustomerRows, ended, personal, secret, table

accounts: Final = table(
    "accounts",
    Column("id", Uuid, primary_key=True),
    # As normalized_login() writes it.
    Column(
        "login",
        Text(collation="C"),
        nullable=False,
        unique=True,
        info=personal("'erased-' || replace(id::text, '-', '')"),
    ),
    Column("name", Text, nullable=False, info=personal("'erased'")),
    Column("role", Text, nullable=False, info=PLAIN),
    Column("customer_reference", Text, info=personal(":pseudonym")),
    # The only warehouses from which a COURIER carries shipments; NULL: all.
    Column("warehouses", ARRAY(Text), info=INTERNAL),
    Column("password_hash", Text, info=secret()),
    # What the owner prefers; NULL: what the browser does.
    Column("language", Text, info=personal()),
    Column("time_zone", Text, info=personal()),
    Column("openid_issuer", Text, info=personal()),
    Column("openid_subject", Text, info=personal()),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False, info=ended("clock_timestamp()")),
    Column("disabled_at", DateTime(timezone=True), info=ended("coalesce(disabled_at, clock_timestamp())")),
    UniqueConstraint("openid_issuer", "openid_subject"),
    Index(None, "role", "login"),
    access=Access.CHANGE,
    distributed_by=EVERYWHERE,
    customer_rows=CustomerRows("customer_reference = :reference"),
)

sessions: Final = table(
    "sessions",
    Column("hash", LargeBinary, primary_key=True, info=secret(erase=None)),
    Column("id", Uuid, nullable=False, unique=True),
    Column("account_id", Uuid, ForeignKey("accounts.id"), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("last_seen_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Index(None, "account_id"),
    Index(None, "expires_at"),
    access=Access.ALL,
    distributed_by=EVERYWHERE,
    customer_rows=CustomerRows(
        "account_id IN (SELECT id FROM accounts WHERE customer_reference = :reference)",
        through_others=True,
        delete=True,
    ),
)

known_devices: Final = table(
    "known_devices",
    Column("hash", LargeBinary, primary_key=True, info=secret(erase=None)),
    Column("account_id", Uuid, ForeignKey("accounts.id"), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Index(None, "account_id"),
    Index(None, "expires_at"),
    access=Access.REMOVE,
    distributed_by=EVERYWHERE,
    customer_rows=CustomerRows(
        "account_id IN (SELECT id FROM accounts WHERE customer_reference = :reference)",
        through_others=True,
        delete=True,
    ),
)
