"""The rules of domain.md: the riskiest after every commit, in SQL of its own; all that `check` knows, at the end."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from oms.tools.check.check import Kind
from oms.tools.check.rules import ALL
from oms.tools.check.sandbox.evidence import checks_of
from oms.tools.check.sandbox.log import Effect
from tests.system.simulation.people import KEPT_UNITS, LIMITS

Connection = Any

OBSERVE: Final = """
    WITH held AS (
        SELECT a.sku, s.warehouse_code, sum(a.quantity) AS units
        FROM shipments s JOIN allocations a ON (a.order_id, a.shipment) = (s.order_id, s.number)
        WHERE s.status IN ('PENDING', 'BOOKED') GROUP BY 1, 2),
    folded AS (
        SELECT order_id, subject, count(*) AS events, max(seq) AS last,
               (array_agg(data->>'to' ORDER BY seq DESC) FILTER (WHERE data ? 'to'))[1] AS status,
               count(*) FILTER (WHERE type = 'ChargeStarted') AS started,
               count(*) FILTER (WHERE type = 'ShipmentCharged') AS charged,
               count(*) FILTER (WHERE type = 'ShipmentRefunded') AS refunded
        FROM order_events GROUP BY 1, 2),
    spending AS (
        SELECT o.customer_id, o.currency, s.spending_period AS period,
               sum(s.subtotal_minor - s.discount_minor + s.tax_minor + s.shipping_minor)
                   FILTER (WHERE s.payment_status IN ('CHARGING', 'SUCCEEDED')) AS minor
        FROM shipments s JOIN orders o ON o.id = s.order_id WHERE s.spending_period IS NOT NULL GROUP BY 1, 2, 3),
    jobs AS (
        SELECT subject_id AS order_id, CASE part WHEN 0 THEN '' ELSE 'shipment/' || part END AS subject,
               queue, parked_at
        FROM work)
    SELECT
        (SELECT count(*) FROM stock k FULL JOIN held h USING (sku, warehouse_code)
         WHERE k.allocated IS DISTINCT FROM coalesce(h.units, 0)
            OR k.allocated < 0 OR k.allocated > k.on_hand) AS stock,
        (SELECT count(*) FROM orders o LEFT JOIN (
             SELECT order_id, sum(events) AS events, max(last) AS last FROM folded GROUP BY 1) f ON f.order_id = o.id
         WHERE (f.events, f.last) IS DISTINCT FROM (o.last_seq, o.last_seq)) AS numbers,
        (SELECT count(*) FROM orders o LEFT JOIN folded f ON f.order_id = o.id AND f.subject = ''
         WHERE f.status IS DISTINCT FROM o.status) AS orders,
        (SELECT count(*) FROM shipments s LEFT JOIN folded f
             ON (f.order_id, f.subject) = (s.order_id, 'shipment/' || s.number)
         WHERE coalesce(f.status, 'PENDING') <> s.status) AS shipments,
        (SELECT count(*) FROM folded WHERE charged > 1 OR refunded > charged) AS charges,
        (SELECT count(*) FROM tallies t LEFT JOIN spending s USING (customer_id, currency, period)
         WHERE t.spent_minor <> coalesce(s.minor, 0)) AS tallies,
        (SELECT count(*) FROM jobs j WHERE parked_at IS NOT NULL AND (
             SELECT type FROM order_events e
             WHERE (e.order_id, e.subject, e.data->>'queue') = (j.order_id, j.subject, j.queue)
             ORDER BY seq DESC LIMIT 1) IS DISTINCT FROM 'WorkParked') AS unrecorded,
        (SELECT count(*) FROM order_events e JOIN orders o ON (o.id, o.last_seq) = (e.order_id, e.seq)
         LEFT JOIN jobs j ON (j.order_id, j.subject, j.queue) = (e.order_id, e.subject, e.data->>'queue')
         WHERE e.type = 'WorkParked' AND j.parked_at IS NULL) AS not_parked,
        (SELECT count(*) FROM (
             SELECT FROM orders o JOIN order_lines l ON l.order_id = o.id
             WHERE o.closed_at IS NULL AND o.own_reference IS NOT NULL GROUP BY o.customer_reference
             HAVING sum(l.quantity - l.unavailable - (
                 SELECT coalesce(sum(a.quantity), 0) FROM allocations a
                 JOIN shipments s ON (s.order_id, s.number) = (a.order_id, a.shipment)
                 WHERE (a.order_id, a.line) = (l.order_id, l.number)
                     AND (s.status NOT IN ('PENDING', 'BOOKED') OR s.payment_status NOT IN ('PENDING', 'CHARGING'))
             )) > $1) hoarders) AS hoarders,
        (SELECT count(*) FROM (
             SELECT FROM orders o JOIN allocations a ON a.order_id = o.id
             WHERE o.status = 'CUSTOMER_ACTION_REQUIRED' GROUP BY o.id HAVING sum(a.quantity) > $2) waiting) AS keeping,
        (SELECT coalesce(sum(on_hand), 0) FROM stock) AS on_hand,
        (SELECT coalesce(sum(a.quantity), 0) FROM shipments s
         JOIN allocations a ON (a.order_id, a.shipment) = (s.order_id, s.number)
         WHERE s.dispatched_at IS NOT NULL) AS gone,
        (SELECT coalesce(sum(started), 0) FROM folded) AS started,
        (SELECT count(*) FROM orders) AS placed,
        (SELECT array_agg((customer_id, currency, period, spent_minor)) FROM tallies) AS spent,
        limits, maintenance, period
    FROM fraud_settings
"""
"""Counts of what is wrong, and what the next observation is compared with."""

BROKEN: Final = {
    "stock": "Rule 3: allocated units differ from the allocations of open shipments",
    "numbers": "Rule 5: an order's events are not numbered without gaps",
    "orders": "Rule 5: folding its events does not give an order's status",
    "shipments": "Rule 5: folding its events does not give a shipment's status",
    "charges": "Rule 2: a shipment was charged or refunded twice",
    "hoarders": "A customer holds more units unpaid than customers may",
    "keeping": "An amended order keeps more units than it may",
    "unrecorded": "Rule 9: work is parked, and its order's events do not say so",
    "not_parked": "Rule 5: an order's last event says that work was parked, and none is",
    "tallies": "Rule 4: a tally differs from the sum of its customer's charges",
}


@dataclass(frozen=True, slots=True)
class Observation:
    """The database at one moment; `spent`: spending period and minor units by (customer, currency)."""

    row: Any
    spent: dict[tuple[UUID, str], tuple[int, int]]


async def observe(connection: Connection) -> Observation:
    row = await connection.fetchrow(OBSERVE, LIMITS.unpaid_units, KEPT_UNITS)
    spent = {(customer, currency): (period, minor) for customer, currency, period, minor in row["spent"] or ()}
    return Observation(row, spent)


def broken(before: Observation, now: Observation, *, restocked: bool) -> Iterator[str]:
    """Which rules are broken, by the present state or by the step from the one before."""
    yield from (f"{what} ({now.row[column]})" for column, what in BROKEN.items() if now.row[column])
    if now.row["placed"] < before.row["placed"]:
        yield "Rule 1: an order is gone"
    if not restocked and now.row["on_hand"] + now.row["gone"] != before.row["on_hand"] + before.row["gone"]:
        yield "Rule 3: units came or went without a count or a dispatch"
    if before.row["maintenance"] and now.row["maintenance"] and now.row["started"] > before.row["started"]:
        yield "Rule 4: a charge was started in maintenance mode"
    limits = json.loads(now.row["limits"])
    for (customer, currency), (period, minor) in now.spent.items():
        earlier = before.spent.get((customer, currency), (period, 0))
        grew = minor > (earlier[1] if earlier[0] == period else 0)
        if grew and minor > limits.get(currency, minor):
            yield f"Rule 4: a charge took a tally to {minor}, the limit in {currency} is {limits[currency]}"
        if period < earlier[0]:
            yield "Rule 4: a tally went back to a spending period that had ended"


async def all_broken(connection: Connection, effects: Sequence[Effect]) -> list[str]:
    """Every check of `python -m oms check`, with the simulated providers' effects instead of the sandbox's log."""
    found = []
    for check in (*ALL, *checks_of(effects)):
        if check.kind == Kind.RULE:
            query = f"SELECT id, what FROM ({check.broken}) AS broken(id, what) ORDER BY id, what LIMIT 3"
            rows = await connection.fetch(query, *check.arguments)
            found += [f"Rule {check.rule}: {check.holds}: {row['id']}: {row['what']}" for row in rows]
    return found
