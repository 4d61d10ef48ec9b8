"""The rules of domain.md by their numbers, each a module of checks."""

from collections.abc import Sequence
from typing import Final

from oms.tools.check.check import Check
from oms.tools.check.rules import access, deadlines, exits, fraud, links, live, money, stock, trail, work

ALL: Final[Sequence[Check]] = (
    *exits.CHECKS,
    *money.CHECKS,
    *stock.CHECKS,
    *fraud.CHECKS,
    *trail.CHECKS,
    *live.CHECKS,
    *deadlines.CHECKS,
    *access.CHECKS,
    *work.CHECKS,
    *links.CHECKS,
)

REMARKS: Final = (
    "Rule 6: who has received which event leaves no trace in the database; that everyone gets all is shown by tests.",
    "Rule 8: what was refused leaves no trace in the database; that each door refuses it is shown by tests.",
)
