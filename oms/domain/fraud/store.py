"""The fraud settings, their event log, and each customer's tally in PostgreSQL."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import insert, update

from oms.domain.fraud.events import FraudEvent
from oms.domain.fraud.model import FraudSettings
from oms.domain.fraud.tables import fraud_events, fraud_settings
from oms.domain.vocabulary.actor import Actor
from oms.platform.db import Statement, Tx, columns

TallyKey = tuple[UUID, str, int]
"""Customer, currency and spending period."""

# If somebody else changes the row while this waits for it, PostgreSQL computes the clock again with the new row.
_FOR_CHARGES: Final = Statement(
    "SELECT limits, maintenance, period, updated_at, clock_timestamp() FROM fraud_settings WHERE id = 1 FOR SHARE"
)
# A lock of the row would never be granted while charges overlap without a gap: each shares the row with the one
# before it. For a lock of the table, charges that come later wait in line.
_LOCK: Final = Statement("LOCK TABLE fraud_settings IN EXCLUSIVE MODE")
_TO_CHANGE: Final = Statement("SELECT limits, maintenance, period, updated_at FROM fraud_settings WHERE id = 1")


async def settings_for_charges(tx: Tx) -> tuple[FraudSettings, datetime]:
    """The settings, which nobody changes before this transaction ends, and an instant at which they were in force."""
    (row,) = await tx.rows(_FOR_CHARGES)
    *values, at = row
    return FraudSettings(*values), at


async def settings_to_change(tx: Tx) -> FraudSettings:
    """The settings, locked; no charge that depends on them is being started."""
    await tx.rows(_LOCK)
    (row,) = await tx.rows(_TO_CHANGE)
    return FraudSettings(*row)


async def change_settings(
    tx: Tx,
    new: FraudSettings,
    event: FraudEvent,
    *,
    by: Actor,
    reason: str | None,
    before: dict[str, Any],
    after: dict[str, Any],
) -> int:
    """Writes the settings and an entry of their event log; returns its number. The caller holds the lock."""
    seq: int = (
        await tx.conn.execute(
            update(fraud_settings)
            .values(
                limits=dict(new.limits),
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
    tx.changes.topics.add("fraud_settings")
    return seq


_LOCK_TALLIES: Final = Statement(
    """
    INSERT INTO tallies (customer_id, currency, period, spent_minor)
    SELECT customer_id, currency, CAST(:period AS int), 0
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
    rows = columns(("customers", "currencies"), sorted(set(keys)))
    found = await tx.rows(_LOCK_TALLIES, **rows, period=period)
    return {(customer, currency): minor for customer, currency, minor in found}


_MOVED: Final = ("customers", "currencies", "periods", "minor")
# Locked in the order of their keys first, as stock is.
_MOVE: Final = Statement(
    """
    WITH moved AS MATERIALIZED (
        SELECT y.customer_id, y.currency, t.minor
        FROM unnest(CAST(:customers AS uuid[]), CAST(:currencies AS text[]), CAST(:periods AS int[]),
                    CAST(:minor AS bigint[])) AS t(customer_id, currency, period, minor)
        JOIN tallies y ON y.customer_id = t.customer_id AND y.currency = t.currency AND y.period = t.period
        ORDER BY y.customer_id, y.currency FOR UPDATE OF y)
    UPDATE tallies SET spent_minor = tallies.spent_minor + moved.minor
    FROM moved WHERE tallies.customer_id = moved.customer_id AND tallies.currency = moved.currency
    """
)


async def move_tallies(tx: Tx, moves: Mapping[TallyKey, int]) -> None:
    """Adds to tallies of the same period; those that were cleared since are not changed."""
    if moves:
        await tx.run(_MOVE, **columns(_MOVED, [(*key, moves[key]) for key in sorted(moves)]))
