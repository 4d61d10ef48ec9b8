"""Rule 6: every event reaches every live subscriber who may see it."""

from typing import Final

from oms.tools.check.check import Check
from oms.tools.check.sql import event_id

CHECKS: Final = (
    Check(
        "6",
        "No event has a transaction from the future: live readers would wait for it",
        "events",
        "order_events",
        f"""
        SELECT {event_id("e")}, format('written by transaction %s, the next one is %s', e.transaction,
                                       pg_snapshot_xmax(pg_current_snapshot()))
        FROM order_events e
        WHERE e.transaction >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint
        """,
    ),
)
