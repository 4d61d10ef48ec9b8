"""Everything that the concepts declare, by name. Filled once, by importing oms/domain/concepts.py."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from functools import cached_property
from typing import Any, TypeVar

from sqlalchemy import MetaData, Table

from oms.domain.concept.declaration import Concept, Effect
from oms.domain.concept.work import WorkKind
from oms.domain.vocabulary.audit_action import AuditAction
from oms.domain.vocabulary.errors import Reason
from oms.domain.vocabulary.events import EventKind, EventType
from oms.domain.vocabulary.machine import Machine
from oms.domain.vocabulary.permission import Permission

K = TypeVar("K")
T = TypeVar("T")
E = TypeVar("E", bound=Enum)


class Undeclared(Exception):
    """Something that no concept declares, or that two declare; the message says what to add or to rename."""


class Registry:
    """The central tables, each derived from the concepts' declarations."""

    def __init__(self, concepts: Sequence[Concept]) -> None:
        self.concepts = tuple(concepts)
        self._unique("concept", lambda concept: [(concept.name, concept)])

    @cached_property
    def tables(self) -> Mapping[str, Table]:
        return self._unique("table", lambda concept: [(table.name, table) for table in concept.tables])

    @cached_property
    def machines(self) -> tuple[Machine[Any], ...]:
        return tuple(machine for concept in self.concepts for machine in concept.machines)

    @cached_property
    def event_types(self) -> Mapping[str, EventType]:
        return {str(event): event for event in self.event_kinds}

    @cached_property
    def event_kinds(self) -> Mapping[EventType, EventKind]:
        return self._unique("event", lambda concept: (concept.events or {}).items())

    @cached_property
    def effects(self) -> tuple[Effect[Any], ...]:
        """In the order in which their rows are locked."""
        declared = [effect for concept in self.concepts for effect in concept.effects]
        return tuple(sorted(declared, key=lambda effect: effect.locks))

    @cached_property
    def work_kinds(self) -> Mapping[str, WorkKind]:
        return self._unique("queue", lambda concept: [(kind.queue, kind) for kind in concept.work])

    @cached_property
    def kinds_by_subject(self) -> Mapping[str, Sequence[WorkKind]]:
        kinds: dict[str, list[WorkKind]] = defaultdict(list)
        for kind in self.work_kinds.values():
            kinds[kind.subject].append(kind)
        return kinds

    @cached_property
    def permissions(self) -> Mapping[str, Permission]:
        return self._unique("permission", lambda concept: _names(concept.permissions))

    @cached_property
    def reasons(self) -> Mapping[str, Reason]:
        return self._unique("reason", lambda concept: _names(concept.reasons))

    @cached_property
    def audit_actions(self) -> Mapping[str, AuditAction]:
        return self._unique(
            "audit action", lambda concept: [(str(each), each) for enum in concept.audit_actions for each in enum]
        )

    def _unique(self, what: str, declared: Callable[[Concept], Iterable[tuple[K, T]]]) -> Mapping[K, T]:
        """What the concepts declare, by name. Raises Undeclared for a name that occurs twice."""
        found: dict[K, T] = {}
        owners: dict[K, str] = {}
        for concept in self.concepts:
            for name, each in declared(concept):
                if name in found:
                    raise Undeclared(
                        f"The {what} {str(name)!r} is declared by {owners[name]!r} and by {concept.name!r}: "
                        "rename one of them, or declare it once."
                    )
                found[name], owners[name] = each, concept.name
        return found

    def check(self, metadata: MetaData) -> None:
        """Raises Undeclared where something exists that no concept declares."""
        for name in sorted(metadata.tables.keys() - self.tables.keys()):
            raise Undeclared(f"No concept declares the table {name!r}: add it to `tables` of one in oms/domain.")
        for concept in self.concepts:
            for event in _members(concept):
                if event not in self.event_kinds:
                    raise Undeclared(
                        f"The event {event} has no EventKind: add it to `events` of the concept {concept.name!r}."
                    )
            for kind in concept.work:
                if not list(kind.steps):
                    raise Undeclared(f"The queue {kind.queue!r} has no steps: list them in a subclass of Step.")
                for step in kind.steps:
                    if step not in kind.phrases:
                        raise Undeclared(
                            f"The step {step} of the queue {kind.queue!r} has no phrase: add it to `phrases`."
                        )
        _ = self.work_kinds, self.permissions, self.reasons, self.audit_actions  # raise for names that occur twice


def _members(concept: Concept) -> Iterable[EventType]:
    """All events of the enums that the concept's machines and events come from."""
    used = {event for machine in concept.machines for event in machine.events} | set(concept.events or {})
    return [event for enum in sorted({type(event) for event in used}, key=lambda enum: enum.__name__) for event in enum]


def _names(enums: Iterable[type[E]]) -> Iterable[tuple[str, E]]:
    return [(each.name, each) for enum in enums for each in enum]


_registered: list[Registry] = []


def register(concepts: Sequence[Concept], metadata: MetaData) -> Registry:
    """Makes the declarations known to the whole process. Raises Undeclared."""
    registry = Registry(concepts)
    registry.check(metadata)
    _registered[:] = [registry]
    return registry


def registered() -> Registry:
    """The declarations of all concepts. Raises RuntimeError before oms.domain.concepts was imported."""
    if not _registered:
        raise RuntimeError("No concepts are registered: import oms.domain.concepts first.")
    return _registered[0]
