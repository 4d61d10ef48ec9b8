"""Acts that need a second person."""

from typing import Final

from oms.tools.check.check import Check

CHECKS: Final = (
    Check(
        "8",
        "Nobody confirmed what they requested themselves",
        "decided requests",
        "approvals WHERE decided_at IS NOT NULL",
        """
        SELECT 'request ' || id, 'confirmed by ' || decider FROM approvals
        WHERE outcome = 'CONFIRMED' AND decider = requester
        """,
    ),
)
