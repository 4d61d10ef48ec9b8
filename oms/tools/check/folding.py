"""SQL that folds the events of an order or of its parts, and compares the result with what is stored."""

from typing import Final

from oms.tools.check.machines import Machine, stored_status
from oms.tools.check.sql import rows, subject_id, texts

ITSELF: Final = ""
"""The kind of the subjects whose events concern the order itself."""


def is_about(kind: str) -> str:
    """SQL condition: an event concerns the order itself, or a part of that kind, such as `shipment`."""
    return f"subject LIKE '{kind}/%'" if kind else "subject = ''"


def _logs(machine: Machine, kind: str) -> str:
    """Two tables: `paths` of the machine, and for each subject its event log as one text, in `logs`."""
    paths = [(path.events, path.steps, stored_status(path.status)) for path in machine.paths()]
    return f"""
        paths(events, steps, status) AS (VALUES {rows(paths)}),
        logs AS (
            SELECT order_id, subject, string_agg(type || ';', '' ORDER BY seq) AS events,
                   string_agg(type || CASE WHEN data ? 'from' OR data ? 'to' THEN concat(
                       '(', data->>'from', '>', data->>'to', ');') ELSE '();' END, '' ORDER BY seq) AS steps
            FROM order_events WHERE {is_about(kind)} AND type IN {texts(sorted(machine.events))}
            GROUP BY order_id, subject)
    """


def not_folding_to(machine: Machine, kind: str, *, row: str, order: str, subject: str, status: str) -> str:
    """Query of rows whose status differs from what folding their events gives.

    `row`: a table and its alias; `order`, `subject`, `status`: SQL expressions of it.
    """
    return f"""
        WITH {_logs(machine, kind)},
        folded AS MATERIALIZED (  -- each different log once: there are few, and matching is slow
            SELECT l.events, p.status FROM (SELECT events FROM logs UNION SELECT '') AS l
            JOIN paths p ON l.events ~ p.events)
        SELECT {subject_id(order, subject)}, format('%s, its events give %s: %s', {status},
                   coalesce(f.status, 'no status, for they are on no possible path'), l.events)
        FROM {row}
        LEFT JOIN logs l ON (l.order_id, l.subject) = ({order}, {subject})
        LEFT JOIN folded f ON f.events = coalesce(l.events, '')
        WHERE f.status IS DISTINCT FROM {status}
    """


def naming_another_change(machine: Machine, kind: str) -> str:
    """Query of events whose data name a change of status that the event did not cause, or fail to name one."""
    return f"""
        (WITH {_logs(machine, kind)},
        wrong AS MATERIALIZED (
            SELECT l.events, l.steps, translate(p.steps, '\\^$', '') AS possible
            FROM (SELECT DISTINCT events, steps FROM logs) AS l JOIN paths p ON l.events ~ p.events
            WHERE l.steps !~ p.steps)
        SELECT {subject_id("order_id", "subject")}, format('%s, possible is %s', steps, possible)
        FROM logs JOIN wrong USING (events, steps)
        UNION ALL
        SELECT {subject_id("order_id", "subject")}, format('%s names a change: %s', type, data)
        FROM order_events
        WHERE (data ? 'from' OR data ? 'to') AND {is_about(kind)} AND type NOT IN {texts(sorted(machine.events))})
    """
