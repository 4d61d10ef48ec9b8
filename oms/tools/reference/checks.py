"""Reference page: every check of `python -m oms check`, by the rule it verifies."""

from collections.abc import Iterator
from typing import Final

from oms.tools.check.check import LINKS, Check, Kind
from oms.tools.check.rules import ALL
from oms.tools.check.sandbox.evidence import checks_of

_HEAD: Final = """\
# Checks

What `python -m oms check` verifies; how it does that: [check.md](../guides/check.md). A *note* breaks no rule.
This page is generated: `make docs`.
"""

_RULES: Final = {
    "1": "An acknowledged order is never lost and always reaches a final status",
    "2": "One successful charge per shipment; money taken = invoices charged − refunds",
    "3": "0 ≤ allocated ≤ on hand; allocations of open shipments sum to allocated",
    "4": "No tally exceeds the limit in force when each charge was made",
    "5": "Every change of status has exactly one event; folding gives the status",
    "6": "Every event reaches every live subscriber",
    "7": "Each deadline acts exactly once, never early",
    "8": "Nobody changes what their role does not allow",
    "9": "No state is without an exit",
    LINKS: "Rows that belong together",
}


def checks_page() -> str:
    return _HEAD + "".join(_section(rule, title) for rule, title in _RULES.items())


def _section(rule: str, title: str) -> str:
    heading = title if rule == LINKS else f"{rule}. {title}"
    return f"\n## {heading}\n" + "".join(map(_line, _checks_of_rule(rule)))


def _checks_of_rule(rule: str) -> Iterator[Check]:
    no_calls_of_the_sandbox = checks_of([])
    return (check for check in (*ALL, *no_calls_of_the_sandbox) if check.rule == rule)


def _line(check: Check) -> str:
    return f"- {'note: ' if check.kind == Kind.NOTE else ''}{check.holds}\n"
