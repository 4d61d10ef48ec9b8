"""Rule 4: no customer's tally exceeds the limit in force when each charge was made."""

from typing import Final

from oms.tools.check.check import Check
from oms.tools.check.sql import TOTAL_MINOR, event_id, shipment_id, shipment_subject

_TALLY: Final = "'customer ' || customer_id || ' in ' || currency"

# The event has the instant at which the settings were read, under their lock. The tally is read later, but before the
# order's lock is released, so before another transaction adds an event to the order: between `at` and `until`.
_STARTS: Final = f"""
    starts AS (
        SELECT o.customer_id, o.currency, s.spending_period AS period, e.order_id, e.subject, e.seq, e.at,
               (e.data->>'amount')::numeric AS minor,
               coalesce((SELECT min(n.at) FROM order_events n
                         WHERE n.order_id = e.order_id AND n.seq > e.seq AND n.transaction <> e.transaction),
                        'infinity') AS until
        FROM order_events e
        JOIN orders o ON o.id = e.order_id
        JOIN shipments s ON (s.order_id, {shipment_subject("s")}) = (e.order_id, e.subject)
        WHERE e.type = 'ChargeStarted')
"""

# The transactions of one customer may have read the tally in another order than that of their instants. Of the charges
# up to an instant, the last to read it saw all others, less at most what had been given back by then. If that exceeds
# the highest limit in force meanwhile, it broke the rule. So there are no false reports.
_WALK: Final = f"""
    {_STARTS},
    given_back AS (
        SELECT b.customer_id, b.currency, b.period, e.at, b.minor
        FROM starts b JOIN order_events e ON (e.order_id, e.subject) = (b.order_id, b.subject) AND e.seq > b.seq
        WHERE e.type IN ('ChargeDeclined', 'ShipmentRefunded')),
    walk AS (
        SELECT *, sum(minor) OVER upto AS reserved, max(until) OVER upto AS latest FROM starts
        WINDOW upto AS (PARTITION BY customer_id, currency, period ORDER BY at)),
    moves AS (
        SELECT customer_id, currency, period, latest AS at, 0 AS back, order_id, subject, seq, at AS since, reserved
        FROM walk
        UNION ALL
        SELECT customer_id, currency, period, at, minor, NULL, NULL, NULL, NULL, NULL FROM given_back),
    tallied AS (
        SELECT *, reserved - sum(back) OVER (PARTITION BY customer_id, currency, period ORDER BY at) AS tally
        FROM moves),
    sets AS (
        SELECT DISTINCT currency, 0 AS seq, timestamptz '-infinity' AS since, 0::numeric AS minor FROM starts
        UNION ALL
        SELECT after->>'currency', seq, at, (after->>'limit')::numeric FROM fraud_events
        WHERE type = 'SpendingLimitSet'),
    limits AS (
        SELECT currency, since, lead(since, 1, 'infinity') OVER (PARTITION BY currency ORDER BY seq) AS until, minor
        FROM sets)
"""

CHECKS: Final = (
    Check(
        "4",
        "A tally is the sum of its customer's charges in flight or paid in that spending period",
        "tallies",
        "tallies",
        f"""
        WITH counted AS (
            SELECT o.customer_id, o.currency, s.spending_period AS period,
                   sum({TOTAL_MINOR}) FILTER (WHERE s.payment_status IN ('CHARGING', 'SUCCEEDED')) AS minor
            FROM shipments s JOIN orders o ON o.id = s.order_id
            WHERE s.spending_period IS NOT NULL GROUP BY 1, 2, 3)
        SELECT {_TALLY}, format('tally %s, charges %s in period %s', t.spent_minor, coalesce(c.minor, 0), t.period)
        FROM tallies t LEFT JOIN counted c USING (customer_id, currency, period)
        WHERE t.spent_minor <> coalesce(c.minor, 0)
        UNION ALL
        SELECT {_TALLY}, format('charges %s in period %s, tally of period %s', c.minor, c.period,
                                coalesce(t.period::text, 'none'))
        FROM counted c LEFT JOIN tallies t USING (customer_id, currency)
        WHERE t.period IS NULL OR c.period > t.period
        """,
    ),
    Check(
        "4",
        "No charge was started that took its customer's tally above the limit in force",
        "charges started",
        "order_events WHERE type = 'ChargeStarted'",
        f"""
        WITH {_WALK}
        SELECT {event_id("t")}, format('tally %s, limit at most %s', t.tally,
                   (SELECT max(minor) FROM limits l
                    WHERE l.currency = t.currency AND l.since <= t.at AND l.until >= t.since))
        FROM tallied t
        WHERE t.order_id IS NOT NULL AND NOT EXISTS (
            SELECT FROM limits l WHERE l.currency = t.currency AND l.since <= t.at AND l.until >= t.since
                AND (l.minor = 0 OR t.tally <= l.minor))
        """,
    ),
    Check(
        "4",
        "No charge was started in maintenance mode",
        "charges started",
        "order_events WHERE type = 'ChargeStarted'",
        f"""
        WITH {_STARTS},
        switches AS (
            SELECT at AS since, lead(at, 1, 'infinity') OVER (ORDER BY seq) AS until,
                   (after->>'maintenance')::boolean AS is_on
            FROM fraud_events WHERE type = 'MaintenanceSwitched')
        SELECT {event_id("s")}, format('started at %s, maintenance since %s', s.at, m.since)
        FROM starts s JOIN switches m ON m.is_on AND s.at > m.since AND s.at < m.until
        """,
    ),
    Check(
        "4",
        "A payment has a spending period from the start of its charge on, and no future one",
        "shipments",
        "shipments",
        f"""
        WITH started AS (SELECT DISTINCT order_id, subject FROM order_events WHERE type = 'ChargeStarted')
        SELECT {shipment_id("s.order_id", "s.number")},
               format('payment %s, period %s of %s', s.payment_status, s.spending_period, f.period)
        FROM fraud_settings f CROSS JOIN shipments s
        LEFT JOIN started t ON (t.order_id, t.subject) = (s.order_id, {shipment_subject("s")})
        WHERE (t.order_id IS NOT NULL) <> (s.spending_period IS NOT NULL)
           OR s.spending_period NOT BETWEEN 1 AND f.period
        """,
    ),
    Check(
        "4",
        "Every change of the fraud settings has an event, numbered from 1, each continuing from the one before",
        "changes of the fraud settings",
        "fraud_events",
        """
        WITH changes AS (
            SELECT seq, type, before, row_number() OVER (ORDER BY seq) AS place,
                   coalesce(lag(after) OVER (PARTITION BY type, after->>'currency' ORDER BY seq), CASE type
                       WHEN 'SpendingLimitSet' THEN jsonb_build_object('limit', 0, 'currency', after->>'currency')
                       WHEN 'MaintenanceSwitched' THEN '{"maintenance": false}'
                       WHEN 'SpendingCleared' THEN '{"period": 1}' END) AS value_before
            FROM fraud_events)
        SELECT 'fraud event ' || seq, format('number %s, %s from %s although the value was %s', place, type, before,
                                             value_before)
        FROM changes WHERE place <> seq OR before IS DISTINCT FROM value_before
        """,
    ),
    Check(
        "4",
        "Folding their events gives the fraud settings",
        "settings",
        "fraud_settings",
        """
        WITH last_limits AS (
            SELECT DISTINCT ON (after->>'currency') after->>'currency' AS currency, after->'limit' AS minor
            FROM fraud_events WHERE type = 'SpendingLimitSet' ORDER BY after->>'currency', seq DESC),
        folded AS (
            SELECT count(*) AS seq,
                (SELECT coalesce(jsonb_object_agg(currency, minor), '{}') FROM last_limits
                 WHERE minor <> '0') AS limits,
                (array_agg(after->>'maintenance' ORDER BY seq DESC) FILTER (WHERE after ? 'maintenance'))[1] AS is_on,
                (array_agg(after->>'period' ORDER BY seq DESC) FILTER (WHERE after ? 'period'))[1] AS period
            FROM fraud_events)
        SELECT 'fraud settings', format(
            'limits %s, maintenance %s, period %s, %s changes; the events give %s, %s, %s, %s',
            s.limits, s.maintenance, s.period, s.last_seq, f.limits, coalesce(f.is_on, 'false'),
            coalesce(f.period, '1'), f.seq)
        FROM folded f LEFT JOIN fraud_settings s ON true
        WHERE (s.limits, s.maintenance::text, s.period::text, s.last_seq::bigint)
            IS DISTINCT FROM (f.limits, coalesce(f.is_on, 'false'), coalesce(f.period, '1'), f.seq)
        """,
    ),
)
