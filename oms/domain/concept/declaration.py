"""What a concept declares. The list of all concepts is oms/domain/concepts.py."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Table

from oms.domain.concept.standstill import Waiting
from oms.domain.concept.work import WorkKind
from oms.domain.vocabulary.audit_action import AuditAction
from oms.domain.vocabulary.errors import Reason
from oms.domain.vocabulary.events import EventKind, EventType
from oms.domain.vocabulary.machine import Machine
from oms.domain.vocabulary.permission import Permission
from oms.platform.db import Tx

State = TypeVar("State")


class LockOrder(IntEnum):
    """Locks are taken in this order everywhere, and rows of one kind in the order of their keys."""

    ORDERS = 1
    WORK = 2
    SETTINGS = 3
    TALLIES = 4
    STOCK = 5


@dataclass(frozen=True, slots=True)
class Change(Generic[State]):
    """An order that is being saved, and the effect's state for it before and now."""

    order: Any
    before: State
    now: State


class Effect(Protocol[State]):
    """Rows of another concept that follow from an order's state. Saving an order applies the difference.

    So no command can forget to release stock or to give an amount back.
    """

    locks: LockOrder
    nothing: State
    """The state before the order was placed."""

    def of(self, order: Any) -> State:
        """The effect's state for the order as it is. Pure."""
        ...

    def apply(self, tx: Tx, changes: Sequence[Change[State]]) -> Awaitable[None]:
        """Writes the difference between before and now, for several orders at once."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """One business concept. `name` is its folder in oms/domain.

    `work`: the kinds of work that the state of its subject calls for. `waiting`: statuses in which it waits for people.
    """

    name: str
    tables: tuple[Table, ...] = ()
    machines: tuple[Machine[Any], ...] = ()
    events: Mapping[EventType, EventKind] | None = None
    effects: tuple[Effect[Any], ...] = ()
    work: tuple[WorkKind, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    permissions: tuple[type[Permission], ...] = ()
    reasons: tuple[type[Reason], ...] = ()
    audit_actions: tuple[type[AuditAction], ...] = ()
