"""Reference page: the events that concepts record, and the actions of the audit log."""

from typing import Any, Final

from oms.domain.concept.registry import registered
from oms.domain.vocabulary.events import EventType
from oms.domain.vocabulary.machine import Machine

_HEAD: Final = """\
# Events

What is recorded, by concept, and which state machines each event moves. Viewers who may not see money, such as
couriers, see the events without amounts only.
This page is generated: `make docs`.

| concept | event | moves | without amounts |
| --- | --- | --- | --- |
"""
_AUDIT: Final = """
## Actions of the audit log

| concept | action |
| --- | --- |
"""


def events_page() -> str:
    registry = registered()
    events = [
        f"| {concept.name} | `{event}` | {_moved(event, registry.machines)} | {'yes' * kind.names_no_amount} |\n"
        for concept in registry.concepts
        for event, kind in (concept.events or {}).items()
    ]
    actions = [
        f"| {concept.name} | `{action}` |\n"
        for concept in registry.concepts
        for enum in concept.audit_actions
        for action in enum
    ]
    return _HEAD + "".join(events) + _AUDIT + "".join(actions)


def _moved(event: EventType, machines: tuple[Machine[Any], ...]) -> str:
    return ", ".join(machine.noun for machine in machines if event in machine.events)
