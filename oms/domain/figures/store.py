"""Counts new events of orders into the sums of their slots.

Events are found by a watermark, as oms.domain.order_queries.event_log finds them. So an order pays nothing for being
counted while it is placed, and each event is counted once: the watermark moves in the transaction of the sums.
"""

from typing import Final

from sqlalchemy import text

from oms.domain.figures.model import BUCKET, DOOR_SLOT, SLOT, Measure
from oms.domain.order.events import OrderEvent
from oms.platform.db import Database, Tx

BATCH: Final = 20_000
"""Events of one transaction, about: it takes some tens of milliseconds."""

_LOCK: Final = text("SELECT pg_try_advisory_xact_lock(hashtextextended('oms figures', 0))")
_START: Final = text(
    """
    INSERT INTO figures_progress (id, transaction, known_from, known_until)
    SELECT 1, 0, coalesce((SELECT at FROM order_events ORDER BY transaction LIMIT 1), clock_timestamp()),
           '-infinity'
    ON CONFLICT (id) DO NOTHING
    """
)
_MONEY: Final = f"('{OrderEvent.ShipmentCharged}', '{OrderEvent.ShipmentRefunded}')"
_COUNT: Final = text(
    f"""
    WITH done AS MATERIALIZED (SELECT transaction AS upto, clock_timestamp() AS now FROM figures_progress WHERE id = 1),
    next AS MATERIALIZED (
        SELECT count(*) AS events, max(transaction) AS upto FROM (
            SELECT e.transaction FROM order_events e
            WHERE e.transaction > (SELECT upto FROM done)
              AND e.transaction < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
            ORDER BY e.transaction LIMIT :limit) AS found),
    new AS MATERIALIZED (
        SELECT e.type, e.order_id, e.at, e.data FROM order_events e
        WHERE e.transaction > (SELECT upto FROM done) AND e.transaction <= (SELECT upto FROM next)
          AND e.type IN ('{OrderEvent.OrderPlaced}', '{OrderEvent.ShipmentDelivered}', {_MONEY[1:]}),
    sums (measure, slot, key, amount) AS (
        SELECT '{Measure.PLACED}', date_bin(:slot, at, 'epoch'), '', count(*)
        FROM new WHERE type = '{OrderEvent.OrderPlaced}' GROUP BY 2
        UNION ALL
        SELECT '{Measure.DELIVERED}', date_bin(:slot, at, 'epoch'), '', count(*)
        FROM new WHERE type = '{OrderEvent.ShipmentDelivered}' GROUP BY 2
        UNION ALL
        SELECT '{Measure.DOOR}', date_bin(:door_slot, at, 'epoch'),
               floor(ln(greatest(1, extract(epoch FROM at - uuid_extract_timestamp(order_id)))) / ln({BUCKET}))::text,
               count(*)
        FROM new WHERE type = '{OrderEvent.ShipmentDelivered}' GROUP BY 2, 3
        UNION ALL
        SELECT '{Measure.TAKEN}', date_bin(:slot, new.at, 'epoch'), o.currency,
               sum((new.data ->> 'amount')::bigint
                   * CASE new.type WHEN '{OrderEvent.ShipmentRefunded}' THEN -1 ELSE 1 END)
        FROM new JOIN orders o ON o.id = new.order_id WHERE new.type IN {_MONEY} GROUP BY 2, 3),
    added AS (
        INSERT INTO figures (measure, slot, key, amount) SELECT * FROM sums
        ON CONFLICT (measure, slot, key) DO UPDATE SET amount = figures.amount + excluded.amount)
    UPDATE figures_progress SET
        transaction = coalesce(next.upto, transaction),
        known_until = CASE WHEN next.events < :limit THEN greatest(known_until, done.now) ELSE known_until END
    FROM next, done WHERE id = 1
    RETURNING next.events
    """  # noqa: S608 - names of events and measures
)


async def count_new(db: Database) -> None:
    """Counts all that is committed, in batches; does nothing while another process does it."""
    while await _count_batch(db) >= BATCH:
        pass


async def _count_batch(db: Database) -> int:
    """The number of events that were found."""
    async with db.transaction() as tx:
        if not await _is_alone(tx):
            return 0
        await tx.conn.execute(_START)
        found = await tx.conn.execute(_COUNT, {"limit": BATCH, "slot": SLOT, "door_slot": DOOR_SLOT})
        return int(found.scalar_one())


async def _is_alone(tx: Tx) -> bool:
    return bool((await tx.conn.execute(_LOCK)).scalar_one())
