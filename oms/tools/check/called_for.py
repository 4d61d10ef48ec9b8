"""Checks of due work against the work that the state of its subject calls for."""

from collections.abc import Sequence

from oms.tools.check.check import Check
from oms.tools.check.sql import work_id


def checks_of_work(called_for: Sequence[str]) -> tuple[Check, ...]:
    """`called_for`: queries of (subject_id, part, queue, step, may_be_held), each of some of the queues."""
    table = f"called_for(subject_id, part, queue, step, may_be_held) AS ({' UNION ALL '.join(called_for)})"
    same_key = "(c.subject_id, c.part, c.queue) = (w.subject_id, w.part, w.queue)"
    return (
        Check(
            "9",
            "Work is called for by the state of its subject, and is the step that the state calls for",
            "work",
            "work",
            f"""
            WITH {table}
            SELECT {work_id("w")}, format('%s, where %s is called for', w.step, coalesce(c.step, 'nothing'))
            FROM work w LEFT JOIN called_for c ON {same_key} WHERE w.step IS DISTINCT FROM c.step
            """,
        ),
        Check(
            "9",
            "Work is held only while the state of its subject says why",
            "held work",
            "work WHERE held",
            f"""
            WITH {table}
            SELECT {work_id("w")}, format('%s is held for no reason', w.step)
            FROM work w LEFT JOIN called_for c ON {same_key} AND c.step = w.step
            WHERE w.held AND c.may_be_held IS NOT TRUE
            """,
        ),
    )
