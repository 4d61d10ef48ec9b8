"""Reference page: the state machines, drawn from their tables as Mermaid text. The README shows them, too."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

from oms.domain.order.model import ORDER
from oms.domain.order.payment import PAYMENT
from oms.domain.order.shipment import SHIPMENT
from oms.domain.vocabulary.machine import Machine, S

MACHINES: Final[Sequence[Machine[Any]]] = (ORDER, SHIPMENT, PAYMENT)

_HEAD: Final = """\
# State machines

Each arrow is named after the events that move a subject along it. No other change of a status is possible.
This page is generated: `make docs`.

"""


def diagrams_page() -> str:
    return _HEAD + state_diagrams()


def state_diagrams() -> str:
    """Markdown with one Mermaid block for each state machine."""
    return "\n".join(f"**{machine.noun.capitalize()}**\n```mermaid\n{mermaid(machine)}\n```\n" for machine in MACHINES)


def mermaid(machine: Machine[S]) -> str:
    """A `stateDiagram-v2`: an arrow for each pair of statuses, named by the events that lead along it."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (before, event), after in machine.table.items():
        if before != after:
            arrows.setdefault((_state(before), after), []).append(event)
    lines = [f"    {before} --> {after}: {', '.join(events)}" for (before, after), events in arrows.items()]
    ends = [f"    {status} --> [*]" for status in sorted(machine.final)]
    return "\n".join(["stateDiagram-v2", *lines, *ends])


def _state(status: StrEnum | None) -> str:
    return "[*]" if status is None else str(status)
