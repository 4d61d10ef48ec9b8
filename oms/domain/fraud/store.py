"""The fraud settings, their trail, and each customer's tally in PostgreSQL."""

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Integer,
    Table,
    Text,
    Uuid,
    bindparam,
    insert,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from oms.db import Tx, metadata
from oms.domain.actor import Actor
from oms.domain.events import SettingsEventType
from oms.domain.fraud.model import FraudSettings
from oms.domain.orders.standing import TallyKey

fraud_settings: Final = Table(
    "fraud_settings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("limit_minor", BigInteger, nullable=False),
    Column("maintenance", Boolean, nullable=False),
    Column("period", Integer, nullable=False),
    Column("last_seq", Integer, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("id = 1", name="single_row"),
)

fraud_events: Final = Table(
    "fraud_events",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("type", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("actor_role", Text),
    Column("reason", Text),
    Column("before", JSONB, nullable=False),
    Column("after", JSONB, nullable=False),
)

tallies: Final = Table(
    "tallies",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("period", Integer, nullable=False),
    Column("spent_minor", BigInteger, nullable=False),
    CheckConstraint("spent_minor >= 0", name="never_negative"),
)

_READ: Final = "SELECT limit_minor, maintenance, period, updated_at FROM fraud_settings WHERE id = 1"


async def read_settings(tx: Tx, *, lock: str = "") -> FraudSettings:
    """`lock` is "FOR SHARE" where a charge depends on them, "FOR UPDATE" where they are changed."""
    return FraudSettings(*(await tx.conn.execute(text(f"{_READ} {lock}"))).one())


async def change_settings(
    tx: Tx,
    new: FraudSettings,
    event: SettingsEventType,
    *,
    by: Actor,
    reason: str | None,
    before: dict[str, Any],
    after: dict[str, Any],
) -> int:
    """Writes the settings and an entry of their trail, and returns its number; the caller holds the row FOR UPDATE."""
    seq: int = (
        await tx.conn.execute(
            update(fraud_settings)
            .values(
                limit_minor=new.limit_minor,
                maintenance=new.maintenance,
                period=new.period,
                updated_at=new.updated_at,
                last_seq=fraud_settings.c.last_seq + 1,
            )
            .returning(fraud_settings.c.last_seq)
        )
    ).scalar_one()
    entry = {"seq": seq, "at": new.updated_at, "type": str(event), "actor": by.name, "actor_role": by.role}
    await tx.conn.execute(insert(fraud_events), entry | {"reason": reason, "before": before, "after": after})
    tx.news.fraud_settings = True
    return seq


_LOCK_TALLIES: Final = text(
    """
    INSERT INTO tallies (customer_id, currency, period, spent_minor)
    SELECT customer_id, currency, :period, 0
    FROM unnest(CAST(:customers AS uuid[]), CAST(:currencies AS text[])) AS t(customer_id, currency)
    ORDER BY customer_id, currency
    ON CONFLICT (customer_id, currency) DO UPDATE
    SET period = excluded.period,
        spent_minor = CASE WHEN tallies.period = excluded.period THEN tallies.spent_minor ELSE 0 END
    RETURNING customer_id, currency, spent_minor
    """
)


async def lock_tallies(tx: Tx, keys: Collection[tuple[UUID, str]], period: int) -> dict[tuple[UUID, str], int]:
    """Minor units spent in the period by (customer, currency); a tally of an earlier period starts again from zero."""
    ordered = sorted(set(keys))
    values = {"period": period, "customers": [c for c, _ in ordered], "currencies": [c for _, c in ordered]}
    found = await tx.conn.execute(_LOCK_TALLIES, values)
    return {(customer, currency): minor for customer, currency, minor in found}


_MOVE: Final = (
    update(tallies)
    .where(
        tallies.c.customer_id == bindparam("k_customer"),
        tallies.c.currency == bindparam("k_currency"),
        tallies.c.period == bindparam("k_period"),
    )
    .values(spent_minor=tallies.c.spent_minor + bindparam("minor"))
)


async def move_tallies(tx: Tx, moves: Mapping[TallyKey, int]) -> None:
    """Adds to tallies of the very period; those that were cleared since are left alone."""
    if moves:
        await tx.conn.execute(
            _MOVE,
            [
                {"k_customer": customer, "k_currency": currency, "k_period": period, "minor": moves[key]}
                for key in sorted(moves)
                for customer, currency, period in [key]
            ],
        )
