"""What is not declared, or is declared twice, stops the program at import with a message that says what to add.

Every test declares objects of its own: the real registry and its tables stay as they are.
"""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any

import pytest
from sqlalchemy import ARRAY, Column, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from oms.domain.concept.declaration import Concept
from oms.domain.concept.registry import Registry, Undeclared, registered
from oms.domain.concept.work import Due, Step, WorkKind
from oms.domain.concepts import REGISTRY, metadata
from oms.domain.vocabulary.audit_action import AuditAction
from oms.domain.vocabulary.errors import Code, Reason
from oms.domain.vocabulary.events import EventKind, EventType, fixed
from oms.domain.vocabulary.machine import Machine
from oms.domain.vocabulary.permission import STAFF, Permission
from oms.domain.work.store import Batch
from oms.jobs.context import JobContext
from oms.jobs.handlers import HANDLERS, NoHandler, checked
from oms.platform.tables import EVERYWHERE, NOBODY, PLAIN, Access, Undescribed, table


def check(*concepts: Concept, tables: MetaData | None = None) -> None:
    Registry(concepts).check(tables or MetaData())


# tables


def test_a_table_that_no_concept_declares() -> None:
    tables = MetaData()
    Table("parcels", tables, Column("id", Integer, primary_key=True))
    with pytest.raises(Undeclared, match=r"No concept declares the table 'parcels': add it to `tables` of one"):
        check(Concept(name="returns"), tables=tables)


def test_a_declared_table_is_accepted() -> None:
    tables = MetaData()
    parcels = Table("parcels", tables, Column("id", Integer, primary_key=True))
    check(Concept(name="returns", tables=(parcels,)), tables=tables)


def described(*columns: Column[Any], distributed_by: tuple[str | None, str] = EVERYWHERE) -> None:
    table("parcels", *columns, access=Access.READ, distributed_by=distributed_by, customer_rows=NOBODY)


@pytest.mark.parametrize("kind", [Text(), JSONB(), LargeBinary(), ARRAY(Text)], ids=repr)
def test_a_column_that_could_hold_personal_data_and_says_nothing(kind: Any) -> None:
    with pytest.raises(Undescribed, match=r"parcels\.label could hold personal data: give it info=personal\(…\)"):
        described(Column("id", Integer, primary_key=True), Column("label", kind))
    assert "parcels" not in metadata.tables


def test_a_table_distributed_by_a_column_that_it_does_not_have() -> None:
    with pytest.raises(Undescribed, match=r"parcels is distributed by 'order_id', which is none.*: name one of id, la"):
        described(Column("id", Integer), Column("label", Text, info=PLAIN), distributed_by=("order_id", "order"))
    assert "parcels" not in metadata.tables


# events


class ParcelEvent(EventType):
    ParcelSent = "ParcelSent"
    ParcelLost = "ParcelLost"


class ParcelStatus(StrEnum):
    SENT = "SENT"


SENT = EventKind(fixed("The parcel was sent."))


def test_an_event_without_an_event_kind() -> None:
    with pytest.raises(Undeclared, match=r"ParcelLost has no EventKind: add it to `events` of the concept 'parcels'"):
        check(Concept(name="parcels", events={ParcelEvent.ParcelSent: SENT}))


def test_an_event_of_a_machine_without_an_event_kind() -> None:
    machine = Machine[ParcelStatus]("parcel", {(None, ParcelEvent.ParcelSent): ParcelStatus.SENT})
    with pytest.raises(Undeclared, match=r"ParcelSent has no EventKind: add it to `events` of the concept 'parcels'"):
        check(Concept(name="parcels", machines=(machine,)))


# names that occur twice


class ParcelStep(Step):
    SEND = "SEND"


class NoStep(Step):
    """Without members."""


class ParcelPermission(Permission):
    SEND_PARCEL = "send a parcel", STAFF


class ParcelReason(Reason):
    PARCEL_LOST = Code.CONFLICT, "The parcel is lost."


class ParcelAction(AuditAction):
    ParcelSent = "ParcelSent", "A parcel left."


def nothing_due(_: Any) -> Mapping[int, Due]:
    return {}


QUEUE = WorkKind("parcels", ParcelStep, nothing_due, {ParcelStep.SEND: "Send the parcel"})

TWICE: list[tuple[str, dict[str, Any]]] = [
    ("event 'ParcelSent'", {"events": dict.fromkeys(ParcelEvent, SENT)}),
    ("queue 'parcels'", {"work": (QUEUE,)}),
    ("permission 'SEND_PARCEL'", {"permissions": (ParcelPermission,)}),
    ("reason 'PARCEL_LOST'", {"reasons": (ParcelReason,)}),
    ("audit action 'ParcelSent'", {"audit_actions": (ParcelAction,)}),
    ("table 'parcels'", {"tables": (Table("parcels", MetaData()),)}),
]


@pytest.mark.parametrize(("what", "declared"), TWICE, ids=[what for what, _ in TWICE])
def test_two_concepts_that_declare_the_same_name(what: str, declared: dict[str, Any]) -> None:
    check(Concept(name="sending", **declared))
    with pytest.raises(Undeclared, match=f"The {what} is declared by 'sending' and by 'receiving': rename one of them"):
        check(Concept(name="sending", **declared), Concept(name="receiving", **declared))


def test_two_concepts_of_the_same_name() -> None:
    with pytest.raises(Undeclared, match="The concept 'parcels' is declared by 'parcels' and by 'parcels'"):
        check(Concept(name="parcels"), Concept(name="parcels"))


# queues


def test_a_queue_without_steps() -> None:
    with pytest.raises(Undeclared, match="The queue 'parcels' has no steps: list them in a subclass of Step"):
        check(Concept(name="parcels", work=(WorkKind("parcels", NoStep, nothing_due, {}),)))


def test_a_step_without_its_phrase() -> None:
    with pytest.raises(Undeclared, match="The step SEND of the queue 'parcels' has no phrase: add it to `phrases`"):
        check(Concept(name="parcels", work=(WorkKind("parcels", ParcelStep, nothing_due, {}),)))


async def handle(_context: JobContext, _batch: Batch) -> None:
    """A handler that does nothing."""


Handlers = dict[str, Callable[[JobContext, Batch], Awaitable[None]]]


def test_a_queue_without_a_handler() -> None:
    handlers: Handlers = {queue: handle for queue in REGISTRY.work_kinds if queue != "billing"}
    with pytest.raises(NoHandler, match=r"'billing' has no handler: add one to HANDLERS in oms/jobs/handlers\.py"):
        checked(handlers)


def test_a_handler_without_a_queue() -> None:
    with pytest.raises(NoHandler, match="No concept declares the queue 'parcels': add a WorkKind to `work` of one"):
        checked({**HANDLERS, "parcels": handle})


def test_the_real_declarations_are_complete_and_registered() -> None:
    REGISTRY.check(metadata)
    assert registered() is REGISTRY
    assert checked(HANDLERS) is HANDLERS
