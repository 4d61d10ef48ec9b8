"""Rule 2 from outside: compares the sandbox's charges, refunds and bookings with the database."""

from collections.abc import Sequence
from typing import Any, Final

from oms.tools.check.check import Check
from oms.tools.check.sandbox.log import Effect
from oms.tools.check.sql import MONEY_TAKEN, shipment_id

_LOGGED: Final = """
    effects AS (
        SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::int[], $5::boolean[], $6::bigint[], $7::text[],
                             $8::boolean[])
            AS t(operation, key, order_id, number, granted, minor, tracking, is_early)),
    logged AS (
        SELECT order_id, number, count(*) FILTER (WHERE operation = 'charge' AND granted) AS charges,
               sum(minor) FILTER (WHERE operation = 'charge' AND granted) AS charged,
               sum(minor) FILTER (WHERE operation = 'charge' AND granted AND is_early) AS charged_early,
               sum(minor) FILTER (WHERE operation = 'refund') AS refunded,
               sum(minor) FILTER (WHERE operation = 'refund' AND is_early) AS refunded_early,
               max(tracking) FILTER (WHERE operation = 'book' AND granted) AS tracking,
               bool_or(operation = 'book' AND granted AND is_early) AS booked_early,
               bool_or(operation = 'release') AS released,
               bool_or(operation = 'release' AND is_early) AS released_early
        FROM effects WHERE order_id IS NOT NULL GROUP BY order_id, number)
"""
_COMPARED: Final = f"""
    SELECT {shipment_id("order_id", "number")}, %s
    FROM shipments s FULL JOIN logged l USING (order_id, number) WHERE %s
"""
_CHARGE: Final = """
    format('logged %s charges of %s in total, stored payment %s of %s', l.charges, l.charged, s.payment_status,
           s.charged_minor)
"""
_REFUND: Final = """
    format('logged %s refunded, stored payment %s, %s refunded', l.refunded, s.payment_status, s.refunded_minor)
"""
_BOOKING: Final = """
    format('logged booking %s, released %s; stored shipment %s, booking %s', l.tracking, l.released, s.status,
           s.tracking_number)
"""


def checks_of(effects: Sequence[Effect]) -> Sequence[Check]:
    """The comparisons. A call that is due may have taken effect already without being stored yet."""
    arguments = _columns(effects)

    def check(holds: str, examined: str, among: str, broken: str) -> Check:
        return Check("2", f"Sandbox: {holds}", examined, among, f"WITH {_LOGGED} {broken}", arguments=arguments)

    return (
        check(
            "the keys of its calls name shipments that exist",
            "calls that took effect",
            f"(SELECT generate_series(1, {len(effects)})) AS calls",
            """
            SELECT e.key, e.operation FROM effects e LEFT JOIN shipments s USING (order_id, number)
            WHERE e.is_early AND s.order_id IS NULL
            """,
        ),
        check(
            "it charged a shipment at most once, and the stored amount; only a charge in flight is not stored yet",
            "shipments",
            "shipments",
            _COMPARED
            % (
                _CHARGE,
                f"""s.order_id IS NOT NULL AND (l.charges > 1
                    OR (s.payment_status IN {MONEY_TAKEN} AND l.charged IS DISTINCT FROM s.charged_minor)
                    OR (l.charged_early IS NOT NULL AND s.payment_status <> 'CHARGING'
                        AND s.payment_status NOT IN {MONEY_TAKEN}))""",
            ),
        ),
        check(
            "it paid back the stored refunds; only a refund that is due is not stored yet",
            "shipments",
            "shipments",
            _COMPARED
            % (
                _REFUND,
                """s.order_id IS NOT NULL AND (
                    (s.refunded_minor > 0 AND l.refunded IS DISTINCT FROM s.refunded_minor)
                    OR (l.refunded_early > 0 AND s.refunded_minor = 0
                        AND NOT (s.payment_status = 'SUCCEEDED' AND s.status IN ('FAILED', 'CANCELLED')))
                    OR (l.refunded > l.charged))""",
            ),
        ),
        check(
            "it has the stored bookings, and none for an ended shipment unless its release is due",
            "shipments",
            "shipments",
            _COMPARED
            % (
                _BOOKING,
                """s.order_id IS NOT NULL AND (
                    (s.booked_at IS NOT NULL AND l.tracking IS DISTINCT FROM s.tracking_number)
                    OR (l.booked_early AND l.released IS NOT TRUE AND NOT s.booking_open AND s.dispatched_at IS NULL)
                    OR (l.released_early AND s.status NOT IN ('CANCELLED', 'FAILED')))""",
            ),
        ),
    )


def _columns(effects: Sequence[Effect]) -> tuple[list[Any], ...]:
    return (
        [effect.operation for effect in effects],
        [effect.key for effect in effects],
        [effect.subject and effect.subject[0] for effect in effects],
        [effect.subject and effect.subject[1] for effect in effects],
        [effect.granted for effect in effects],
        [effect.amount_minor for effect in effects],
        [effect.tracking_number for effect in effects],
        [effect.is_early for effect in effects],
    )
