"""What stands above an order's page: what is wrong, why, and what happens if nobody acts; else the next step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oms.platform.locale.language import gettext as _
from oms.web.pages.support.next_step import STEP_PHRASES, next_step


@dataclass(frozen=True, slots=True)
class Banner:
    """`until`: the instant that the text speaks of. `work`: the job to be retried or given up. `error`: its last one.

    A `slim` one only names the next step.
    """

    tone: str
    shape: str
    title: str
    text: str = ""
    until: str | None = None
    work: Mapping[str, Any] | None = None
    error: str | None = None
    slim: bool = False


def banners(order: Mapping[str, Any], numbers: Mapping[str, int]) -> list[Banner]:
    """From the fields of an order in support/order.graphql: each job that is stuck, or the one thing that matters most.

    `numbers`: of its shipments, by their ids. Empty once nothing more will happen to the order.
    """
    if stuck := [_stuck(work, numbers) for work in order["work"] if work["parkedAt"]]:
        return stuck
    found = _banner(order, numbers)
    return [found] if found else []


def _banner(order: Mapping[str, Any], numbers: Mapping[str, int]) -> Banner | None:
    if order["actionDeadline"]:
        text = _("Nothing is charged before the answer. Without one, the order ends in")
        return Banner("warn", "s-ask", _("Awaiting customer"), text, until=order["actionDeadline"])
    for work in order["work"]:
        if work["held"]:
            text = _("It goes on by itself when maintenance mode ends.")
            return Banner("warn", "s-hold", _("%(step)s: on hold") % {"step": _named(work, numbers)}, text)
    for work in order["work"]:
        if work["lastError"]:
            title = _("%(step)s: failed, and tried again") % {"step": _named(work, numbers)}
            text = _("Attempt %(number)s comes in") % {"number": work["attempts"] + 1}
            return Banner("", "s-wait", title, text, until=work["dueAt"], error=work["lastError"])
    step = next_step(order).text
    return Banner("", "s-wait", _("Next: %(step)s") % {"step": step}, slim=True) if step else None


def _stuck(work: Mapping[str, Any], numbers: Mapping[str, int]) -> Banner:
    title = _("%(step)s: stuck after %(number)s attempts") % {
        "step": _named(work, numbers), "number": work["attempts"]
    }  # fmt: skip
    text = _("Nothing happens until somebody retries it or gives it up.")
    return Banner("bad", "s-late", title, text, work=work, error=work["lastError"])


def _named(work: Mapping[str, Any], numbers: Mapping[str, int]) -> str:
    """Such as "Charge, shipment 2"."""
    step = STEP_PHRASES[work["step"]]
    if work["shipment"] is None:
        return step
    return _("%(step)s, shipment %(number)s") % {"step": step, "number": numbers[work["shipment"]["id"]]}
