"""The transition tables as specification: each row a status, the events it allows, and where they lead."""

from enum import StrEnum
from typing import Any

import pytest

from oms.domain.concepts import REGISTRY
from oms.domain.order.model import ORDER
from oms.domain.order.payment import PAYMENT
from oms.domain.order.shipment import SHIPMENT
from oms.domain.vocabulary.errors import Code, Refused
from oms.domain.vocabulary.machine import Machine

ORDERS = """
    -                         OrderPlaced        PENDING
    PENDING                   ItemsAllocated     PROCESSING
    PENDING                   ItemsUnavailable   CUSTOMER_ACTION_REQUIRED
    PENDING                   OrderCancelled     CANCELLED
    CUSTOMER_ACTION_REQUIRED  AmendmentAccepted  PROCESSING
    CUSTOMER_ACTION_REQUIRED  OrderCancelled     CANCELLED
    CUSTOMER_ACTION_REQUIRED  OrderTimedOut      TIMED_OUT
    PROCESSING                OrderCancelled     CANCELLED
    PROCESSING                OrderCompleted     COMPLETED
    PROCESSING                OrderFailed        FAILED
"""

SHIPMENTS = """
    -           ItemsAllocated      PENDING
    -           ItemsUnavailable    PENDING
    PENDING     ShipmentBooked      BOOKED
    PENDING     ChargeDeclined      FAILED
    PENDING     ShipmentFailed      FAILED
    PENDING     ShipmentCancelled   CANCELLED
    BOOKED      ShipmentDispatched  DISPATCHED
    BOOKED      ShipmentFailed      FAILED
    BOOKED      ShipmentCancelled   CANCELLED
    DISPATCHED  DeliveryAttempted   DISPATCHED
    DISPATCHED  ShipmentDelivered   DELIVERED
    DISPATCHED  ShipmentFailed      FAILED
    CANCELLED   ChargeDeclined      CANCELLED
    FAILED      ChargeDeclined      FAILED
"""

PAYMENTS = """
    -          ItemsAllocated     PENDING
    -          ItemsUnavailable   PENDING
    PENDING    ShipmentInvoiced   PENDING
    PENDING    ChargeHeld         PENDING
    PENDING    ChargeStarted      CHARGING
    PENDING    ChargeDeclined     DECLINED
    PENDING    ShipmentCancelled  VOIDED
    PENDING    ShipmentFailed     VOIDED
    CHARGING   ShipmentCharged    SUCCEEDED
    CHARGING   ChargeDeclined     DECLINED
    CHARGING   ShipmentCancelled  CHARGING
    CHARGING   ShipmentFailed     CHARGING
    SUCCEEDED  ShipmentBooked     SUCCEEDED
    SUCCEEDED  ShipmentCancelled  SUCCEEDED
    SUCCEEDED  ShipmentFailed     SUCCEEDED
    SUCCEEDED  ShipmentRefunded   REFUNDED
"""

MACHINES: list[tuple[Machine[Any], str]] = [(ORDER, ORDERS), (SHIPMENT, SHIPMENTS), (PAYMENT, PAYMENTS)]


def rows(specification: str) -> set[tuple[str, ...]]:
    return {tuple(line.split()) for line in specification.strip().splitlines()}


@pytest.mark.parametrize(("machine", "specification"), MACHINES)
def test_a_machine_allows_what_is_specified_and_nothing_else(machine: Machine[Any], specification: str) -> None:
    table = {(str(before or "-"), str(event), str(after)) for (before, event), after in machine.table.items()}
    assert table == rows(specification)


@pytest.mark.parametrize(("machine", "_"), MACHINES)
def test_every_other_event_that_the_machine_knows_is_a_conflict(machine: Machine[Any], _: str) -> None:
    statuses: set[StrEnum] = set(machine.table.values())
    for status in statuses:
        for event in REGISTRY.event_kinds:
            if event not in machine.events:
                assert machine.after(status, event) == status
            elif not machine.allows(status, event):
                with pytest.raises(Refused) as refusal:
                    machine.after(status, event)
                assert refusal.value.problems[0].code == Code.CONFLICT


@pytest.mark.parametrize(
    ("machine", "final"),
    [
        (ORDER, {"COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"}),
        (SHIPMENT, {"DELIVERED", "FAILED", "CANCELLED"}),
        (PAYMENT, {"DECLINED", "VOIDED", "REFUNDED"}),
    ],
)
def test_nothing_leads_out_of_a_final_status(machine: Machine[Any], final: set[str]) -> None:
    assert {str(status) for status in machine.final} == final


@pytest.mark.parametrize("machine", [ORDER, SHIPMENT])
def test_every_status_of_a_machine_that_people_see_has_its_text(machine: Machine[Any]) -> None:
    texts = dict(list(machine.texts.items())[1:])
    with pytest.raises(TypeError, match="Add a StatusText of PENDING to the texts of machine"):
        Machine(machine.noun, machine.table, machine.commands, texts)
