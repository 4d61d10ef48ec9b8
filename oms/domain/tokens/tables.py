"""The table of access tokens."""

from typing import Final

from sqlalchemy import ARRAY, Column, DateTime, LargeBinary, Text, Uuid

from oms.platform.tables import EVERYWHERE, INTERNAL, PLAIN, Access, CustomerRows, ended, personal, secret, table

access_tokens: Final = table(
    "access_tokens",
    Column("hash", LargeBinary, primary_key=True, info=secret(erase=None)),
    Column("id", Uuid, nullable=False, unique=True),
    Column("name", Text, nullable=False, info=personal("'erased'")),
    Column("role", Text, nullable=False, info=PLAIN),
    Column("customer_reference", Text, info=personal(":pseudonym")),
    Column("scope", ARRAY(Text), info=INTERNAL),
    # The only warehouses from which a COURIER carries shipments; NULL: all.
    Column("warehouses", ARRAY(Text), info=INTERNAL),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    # The secret before the last rotation, which works until then.
    Column("previous_hash", LargeBinary, unique=True, info=secret()),
    Column("previous_until", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True), info=ended("coalesce(revoked_at, clock_timestamp())")),
    access=Access.CHANGE,
    distributed_by=EVERYWHERE,
    customer_rows=CustomerRows("customer_reference = :reference"),
)
