"""The table of idempotency keys."""

from typing import Final

from sqlalchemy import Column, DateTime, Index, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB

from oms.domain.access.principals import CALLERS
from oms.platform.tables import PLAIN, Access, CustomerRows, secret, table

_OF_CALLERS: Final = f"caller IN ({CALLERS})"
_OF_ORDERS: Final = """
    subject IN (SELECT to_jsonb(replace(id::text, '-', '')) FROM orders WHERE customer_reference = :reference)
"""

idempotency_keys: Final = table(
    "idempotency_keys",
    Column("caller", Text, primary_key=True, info=PLAIN),
    Column("key", Text, primary_key=True, info=PLAIN),
    Column("body_hash", LargeBinary, nullable=False, info=secret(erase=None)),
    Column("subject", JSONB, nullable=False, info=PLAIN),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Index(None, "created_at"),
    access=Access.REMOVE,
    distributed_by=("key", "idempotency key"),
    customer_rows=CustomerRows(
        _OF_CALLERS, through_others=True, delete=True, delete_where=f"{_OF_CALLERS} OR {_OF_ORDERS}"
    ),
)
