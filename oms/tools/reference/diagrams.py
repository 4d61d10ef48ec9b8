"""Reference page: the state machines, drawn from their tables as Mermaid text. The README shows them, too."""

from enum import StrEnum
from typing import Final

from oms.domain.concept.registry import registered
from oms.domain.vocabulary.machine import Machine, S

_HEAD: Final = """\
# State machines

Each arrow is named after the events that move a subject along it. No other change of a status is possible.
This page is generated: `make docs`.

"""


def diagrams_page() -> str:
    return _HEAD + state_diagrams()


def state_diagrams() -> str:
    """Markdown with one Mermaid block for each state machine."""
    machines = registered().machines
    return "\n".join(f"**{machine.noun.capitalize()}**\n```mermaid\n{mermaid(machine)}\n```\n" for machine in machines)


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
