"""The checker's own rules for repairs: it shares no code with what it checks."""

from typing import Final

from oms.tools.check.check import Check

CHECKS: Final = (
    Check(
        "1",
        "An open repair has work that will finish it",
        "open repairs",
        "repairs WHERE status = 'OPEN'",
        """
        SELECT r.id::text, 'no work in the queue repairs' FROM repairs r
        WHERE r.status = 'OPEN' AND NOT EXISTS (
            SELECT FROM work w WHERE (w.subject_id, w.part, w.queue) = (r.id, 0, 'repairs'))
        """,
    ),
)
CALLED_FOR: Final = ("SELECT id, 0, 'repairs', 'FINISH', false FROM repairs WHERE status = 'OPEN'",)
