"""The rules of domain.md: the hot ones after every commit with SQL of their own, all that `check` knows at the end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from oms.tools.check.rules.evidence import checks_of

from oms.tools.check.check import Kind
from oms.tools.check.rules import ALL
from oms.tools.check.sandbox import Effect

Connection = Any

LOOK: Final = """
    WITH held AS (
        SELECT a.sku, s.warehouse_code, sum(a.quantity) AS units
        FROM shipments s JOIN allocations a ON (a.order_id, a.shipment) = (s.order_id, s.number)
        WHERE s.status IN ('PENDING', 'BOOKED') GROUP BY 1, 2),
    trail AS (
        SELECT order_id, subject, count(*) AS events, max(seq) AS last,
               (array_agg(data->>'to' ORDER BY seq DESC) FILTER (WHERE data ? 'to'))[1] AS status,
               count(*) FILTER (WHERE type = 'ChargeStarted') AS started,
               count(*) FILTER (WHERE type = 'ShipmentCharged') AS charged,
               count(*) FILTER (WHERE type = 'ShipmentRefunded') AS refunded
        FROM order_events GROUP BY 1, 2),
    carried AS (
        SELECT o.customer_id, o.currency, s.spending_period AS period,
               sum(s.subtotal_minor - s.discount_minor + s.tax_minor + s.shipping_minor)
                   FILTER (WHERE s.payment_status IN ('CHARGING', 'SUCCEEDED')) AS minor
        FROM shipments s JOIN orders o ON o.id = s.order_id WHERE s.spending_period IS NOT NULL GROUP BY 1, 2, 3)
    SELECT
        (SELECT count(*) FROM stock k FULL JOIN held h USING (sku, warehouse_code)
         WHERE k.allocated IS DISTINCT FROM coalesce(h.units, 0)
            OR k.allocated < 0 OR k.allocated > k.on_hand) AS stock,
        (SELECT count(*) FROM orders o LEFT JOIN (
             SELECT order_id, sum(events) AS events, max(last) AS last FROM trail GROUP BY 1) t ON t.order_id = o.id
         WHERE (t.events, t.last) IS DISTINCT FROM (o.last_seq, o.last_seq)) AS numbers,
        (SELECT count(*) FROM orders o LEFT JOIN trail t ON t.order_id = o.id AND t.subject = ''
         WHERE t.status IS DISTINCT FROM o.status) AS orders,
        (SELECT count(*) FROM shipments s LEFT JOIN trail t ON (t.order_id, t.subject) = (s.order_id, 'shipment/' || s.number)
         WHERE coalesce(t.status, 'PENDING') <> s.status) AS shipments,
        (SELECT count(*) FROM trail WHERE charged > 1 OR refunded > charged) AS charges,
        (SELECT count(*) FROM tallies t LEFT JOIN carried c USING (customer_id, currency, period)
         WHERE t.spent_minor <> coalesce(c.minor, 0)) AS tallies,
        (SELECT count(*) FROM work w WHERE parked_at IS NOT NULL AND (
             SELECT type FROM order_events e
             WHERE e.order_id = w.subject_id AND e.subject = CASE w.part WHEN 0 THEN '' ELSE 'shipment/' || w.part END
               AND e.data->>'queue' = w.queue
             ORDER BY seq DESC LIMIT 1) IS DISTINCT FROM 'WorkParked') AS parked,
        (SELECT count(*) FROM order_events e JOIN orders o ON (o.id, o.last_seq) = (e.order_id, e.seq)
         LEFT JOIN work w ON (w.subject_id, w.queue) = (e.order_id, e.data->>'queue')
                         AND e.subject = CASE w.part WHEN 0 THEN '' ELSE 'shipment/' || w.part END
         WHERE e.type = 'WorkParked' AND w.parked_at IS NULL) AS told,
        (SELECT coalesce(sum(on_hand), 0) FROM stock) AS on_hand,
        (SELECT coalesce(sum(a.quantity), 0) FROM shipments s
         JOIN allocations a ON (a.order_id, a.shipment) = (s.order_id, s.number)
         WHERE s.dispatched_at IS NOT NULL) AS gone,
        (SELECT coalesce(sum(started), 0) FROM trail) AS started,
        (SELECT count(*) FROM orders) AS placed,
        (SELECT array_agg((customer_id, currency, period, spent_minor)) FROM tallies) AS spent,
        limit_minor, maintenance, period
    FROM fraud_settings
"""
"""Counts of what is broken, and what the next look is compared with."""

BROKEN: Final = {
    "stock": "Rule 3: allocated units differ from the allocations of open shipments",
    "numbers": "Rule 5: an order's events are not numbered without gaps",
    "orders": "Rule 5: folding its events does not give an order's status",
    "shipments": "Rule 5: folding its events does not give a shipment's status",
    "charges": "Rule 2: a shipment was charged or refunded twice",
    "parked": "Rule 9: work is parked, and its order's trail does not tell",
    "told": "Rule 5: an order's trail tells last that work was parked, and none is",
    "tallies": "Rule 4: a tally is not what its customer's charges come to",
}


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look saw; `spent` in minor units by (customer, currency) with the spending period."""

    row: Any
    spent: dict[tuple[UUID, str], tuple[int, int]]


async def look(connection: Connection) -> Sight:
    row = await connection.fetchrow(LOOK)
    spent = {(customer, currency): (period, minor) for customer, currency, period, minor in row["spent"] or ()}
    return Sight(row, spent)


def broken(before: Sight, now: Sight, *, restocked: bool) -> Iterator[str]:
    """What breaks a rule, in itself or as a step from what was seen before."""
    yield from (f"{what} ({now.row[column]})" for column, what in BROKEN.items() if now.row[column])
    if now.row["placed"] < before.row["placed"]:
        yield "Rule 1: an order is gone"
    if not restocked and now.row["on_hand"] + now.row["gone"] != before.row["on_hand"] + before.row["gone"]:
        yield "Rule 3: units came or went that nobody counted or dispatched"
    if before.row["maintenance"] and now.row["maintenance"] and now.row["started"] > before.row["started"]:
        yield "Rule 4: a charge was started in maintenance mode"
    for customer, (period, minor) in now.spent.items():
        earlier = before.spent.get(customer, (period, 0))
        grew = minor > (earlier[1] if earlier[0] == period else 0)
        if grew and 0 < now.row["limit_minor"] < minor:
            yield f"Rule 4: a charge took a tally to {minor}, the limit is {now.row['limit_minor']}"
        if period < earlier[0]:
            yield "Rule 4: a tally went back to a spending period that had ended"


async def all_broken(connection: Connection, effects: Sequence[Effect]) -> list[str]:
    """Every check of `python -m oms check`, with the test providers' books in the place of the sandbox's log."""
    found = []
    for check in (*ALL, *checks_of(effects)):
        if check.kind == Kind.RULE:
            query = f"SELECT id, what FROM ({check.broken}) AS broken(id, what) ORDER BY id, what LIMIT 3"
            rows = await connection.fetch(query, *check.arguments)
            found += [f"Rule {check.rule}: {check.holds}: {row['id']}: {row['what']}" for row in rows]
    return found
