"""The checker's own transition tables: which sequences of events are possible, and which status they end in."""

import re

import pytest

from oms.platform.settings import PROJECT_DIR
from oms.tools.check.check import Kind
from oms.tools.check.machines import ORDER, PAYMENT, SHIPMENT, Machine, Path, Transition, stored_status
from oms.tools.check.rules import ALL
from oms.tools.check.sandbox.evidence import checks_of

IMPOSSIBLE: list[str] = []

PARCEL = Machine(
    "OPEN",
    (
        Transition("OPEN", "Weighed", "OPEN", repeats=True),
        Transition("OPEN", "Scanned", "OPEN", repeats=True),
        Transition("OPEN", "Sent", "SENT"),
        Transition("SENT", "Scanned", "SENT", repeats=True),
        Transition("SENT", "Arrived", "DONE"),
    ),
)
"""No machine of today has two events that repeat, or one that repeats in two statuses."""


def log(events: str) -> str:
    return "".join(f"{event};" for event in events.split())


def paths(machine: Machine, events: str) -> list[Path]:
    return [path for path in machine.paths() if re.search(path.events, log(events))]


@pytest.mark.parametrize(
    ("machine", "events", "statuses"),
    [
        (ORDER, "OrderPlaced", ["PENDING"]),
        (ORDER, "OrderPlaced ItemsAllocated OrderCompleted", ["COMPLETED"]),
        (ORDER, "OrderPlaced ItemsUnavailable OrderTimedOut", ["TIMED_OUT"]),
        (ORDER, "OrderPlaced ItemsUnavailable AmendmentAccepted OrderCancelled", ["CANCELLED"]),
        (ORDER, "OrderPlaced ItemsAllocated OrderTimedOut", IMPOSSIBLE),
        (ORDER, "OrderPlaced ItemsAllocated OrderCompleted OrderFailed", IMPOSSIBLE),
        (ORDER, "ItemsAllocated", IMPOSSIBLE),
        (SHIPMENT, "", ["PENDING"]),
        (SHIPMENT, "ShipmentBooked ShipmentDispatched ShipmentDelivered", ["DELIVERED"]),
        (SHIPMENT, "ShipmentBooked ShipmentDispatched ShipmentFailed", ["FAILED"]),
        (SHIPMENT, "ShipmentCancelled ChargeDeclined", ["CANCELLED"]),
        (SHIPMENT, "ShipmentDelivered", IMPOSSIBLE),
        (SHIPMENT, "ShipmentBooked ShipmentDispatched ShipmentCancelled", IMPOSSIBLE),
        (PAYMENT, "", ["PENDING"]),
        (PAYMENT, "ShipmentInvoiced", ["PENDING"]),
        (PAYMENT, "ShipmentInvoiced ChargeStarted ShipmentCharged ShipmentBooked", ["SUCCEEDED"]),
        (PAYMENT, "ShipmentInvoiced ChargeStarted ShipmentCancelled ShipmentCharged ShipmentRefunded", ["REFUNDED"]),
        (PAYMENT, "ShipmentInvoiced ShipmentCancelled", ["VOIDED"]),
        (PAYMENT, "ChargeStarted", IMPOSSIBLE),
        (PAYMENT, "ShipmentInvoiced ChargeStarted ShipmentCharged ShipmentCharged", IMPOSSIBLE),
        (PAYMENT, "ShipmentInvoiced ChargeHeld ChargeStarted", ["CHARGING"]),
        (PAYMENT, "ShipmentInvoiced ChargeHeld ChargeHeld ChargeHeld ChargeDeclined", ["DECLINED"]),
        (PAYMENT, "ChargeHeld ShipmentInvoiced", IMPOSSIBLE),
        (PAYMENT, "ShipmentInvoiced ChargeStarted ChargeHeld", IMPOSSIBLE),
        (PARCEL, "", ["OPEN"]),
        (PARCEL, "Scanned Weighed Scanned Scanned", ["OPEN"]),
        (PARCEL, "Weighed Sent Scanned Scanned Arrived", ["DONE"]),
        (PARCEL, "Sent Arrived", ["DONE"]),
        (PARCEL, "Sent Sent", IMPOSSIBLE),
        (PARCEL, "Sent Weighed", IMPOSSIBLE),
        (PARCEL, "Sent Arrived Scanned", IMPOSSIBLE),
    ],
)
def test_a_log_is_on_one_of_the_possible_paths_or_on_none(machine: Machine, events: str, statuses: list[str]) -> None:
    assert [stored_status(path.status) for path in paths(machine, events)] == statuses


@pytest.mark.parametrize("machine", [ORDER, SHIPMENT, PAYMENT, PARCEL])
def test_no_log_is_on_two_paths(machine: Machine) -> None:
    once = [re.sub(r"\(\?:.*?\)\*|[\^$;]", " ", path.events) for path in machine.paths()]
    assert [len(paths(machine, events)) for events in once] == [1] * len(once)
    assert len({(each.before, each.event) for each in machine.transitions}) == len(machine.transitions)


@pytest.mark.parametrize("machine", [ORDER, SHIPMENT, PAYMENT])
def test_no_status_comes_back(machine: Machine) -> None:
    leads = {(each.before, each.after) for each in machine.transitions if each.before != each.after}
    while further := {(a, d) for a, b in leads for c, d in leads if b == c} - leads:
        leads |= further
    assert not any(before == after for before, after in leads)


def test_an_event_that_changes_the_status_cannot_repeat() -> None:
    with pytest.raises(ValueError, match="cannot repeat"):
        Transition("OPEN", "Sent", "SENT", repeats=True)


def test_the_list_of_checks_is_complete() -> None:
    page = (PROJECT_DIR / "docs" / "reference" / "checks.md").read_text()
    lines = [f"- {'note: ' if check.kind == Kind.NOTE else ''}{check.holds}\n" for check in (*ALL, *checks_of([]))]
    assert [line for line in lines if line not in page] == []


def test_the_page_about_the_checker_says_how_many_paths_there_are() -> None:
    page = (PROJECT_DIR / "docs" / "guides" / "check.md").read_text()
    orders, shipments, payments = (len(machine.paths()) for machine in (ORDER, SHIPMENT, PAYMENT))
    assert f"{orders} for orders, {shipments} for shipments, {payments} for\n  payments" in page
