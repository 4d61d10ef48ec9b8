"""The figures of the shop are what the events say."""

from typing import Final

from oms.tools.check.check import LINKS, Check

CHECKS: Final = (
    Check(
        LINKS,
        "Figures are the sums of the events that were counted, each counted once",
        "events",
        "order_events",
        """
        WITH seen AS (
            SELECT e.type, e.order_id, e.data FROM order_events e, figures_progress p
            WHERE e.transaction <= p.transaction
              AND e.type IN ('OrderPlaced', 'ShipmentDelivered', 'ShipmentCharged', 'ShipmentRefunded')),
        events (measure, key, amount) AS (
            SELECT 'PLACED', '', count(*) FROM seen WHERE type = 'OrderPlaced'
            UNION ALL
            SELECT kind, '', count(*) FROM seen, (VALUES ('DELIVERED'), ('DOOR')) AS kinds(kind)
            WHERE type = 'ShipmentDelivered' GROUP BY kind
            UNION ALL
            SELECT 'TAKEN', o.currency,
                   sum((s.data ->> 'amount')::bigint * CASE s.type WHEN 'ShipmentRefunded' THEN -1 ELSE 1 END)
            FROM seen s JOIN orders o ON o.id = s.order_id WHERE s.type IN ('ShipmentCharged', 'ShipmentRefunded')
            GROUP BY o.currency),
        kept (measure, key, amount) AS (
            SELECT measure, CASE measure WHEN 'DOOR' THEN '' ELSE key END, sum(amount) FROM figures GROUP BY 1, 2)
        SELECT concat_ws(' ', measure, nullif(key, '')),
               format('the figures say %s, the events %s', coalesce(kept.amount, 0), coalesce(events.amount, 0))
        FROM kept FULL JOIN events USING (measure, key)
        WHERE coalesce(kept.amount, 0) <> coalesce(events.amount, 0)
        """,
    ),
)
