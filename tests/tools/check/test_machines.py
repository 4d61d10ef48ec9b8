"""The checker's own transition tables: which trails are possible, and where they end."""

import pytest

from oms.platform.settings import PROJECT_DIR
from oms.tools.check.check import Kind
from oms.tools.check.machines import ORDER, PAYMENT, SHIPMENT, Machine, kept_payment_status
from oms.tools.check.rules import ALL
from oms.tools.check.rules.evidence import checks_of

IMPOSSIBLE = None


@pytest.mark.parametrize(
    ("machine", "events", "status"),
    [
        (ORDER, "OrderPlaced", "PENDING"),
        (ORDER, "OrderPlaced ItemsAllocated OrderCompleted", "COMPLETED"),
        (ORDER, "OrderPlaced ItemsUnavailable OrderTimedOut", "TIMED_OUT"),
        (ORDER, "OrderPlaced ItemsUnavailable AmendmentAccepted OrderCancelled", "CANCELLED"),
        (ORDER, "OrderPlaced ItemsAllocated OrderTimedOut", IMPOSSIBLE),
        (ORDER, "OrderPlaced ItemsAllocated OrderCompleted OrderFailed", IMPOSSIBLE),
        (ORDER, "ItemsAllocated", IMPOSSIBLE),
        (SHIPMENT, "", "PENDING"),
        (SHIPMENT, "ShipmentBooked ShipmentDispatched ShipmentDelivered", "DELIVERED"),
        (SHIPMENT, "ShipmentBooked ShipmentDispatched ShipmentFailed", "FAILED"),
        (SHIPMENT, "ShipmentCancelled ChargeDeclined", "CANCELLED"),
        (SHIPMENT, "ShipmentDelivered", IMPOSSIBLE),
        (SHIPMENT, "ShipmentBooked ShipmentDispatched ShipmentCancelled", IMPOSSIBLE),
        (PAYMENT, "", "PENDING"),
        (PAYMENT, "ShipmentInvoiced", "PENDING"),
        (PAYMENT, "ShipmentInvoiced ChargeStarted ShipmentCharged ShipmentBooked", "SUCCEEDED"),
        (PAYMENT, "ShipmentInvoiced ChargeStarted ShipmentCancelled ShipmentCharged ShipmentRefunded", "REFUNDED"),
        (PAYMENT, "ShipmentInvoiced ShipmentCancelled", "VOIDED"),
        (PAYMENT, "ChargeStarted", IMPOSSIBLE),
        (PAYMENT, "ShipmentInvoiced ChargeStarted ShipmentCharged ShipmentCharged", IMPOSSIBLE),
    ],
)
def test_a_trail_is_one_of_the_possible_ways_or_none(machine: Machine, events: str, status: str | None) -> None:
    ways = {way.events: kept_payment_status(way.status) for way in machine.ways()}
    assert ways.get(events) == status


def test_no_trail_can_be_read_in_two_ways() -> None:
    for machine in (ORDER, SHIPMENT, PAYMENT):
        ways = [way.events for way in machine.ways()]
        assert len(set(ways)) == len(ways)


def test_the_list_of_checks_is_complete() -> None:
    page = (PROJECT_DIR / "docs" / "reference" / "checks.md").read_text()
    lines = [f"- {'note: ' if check.kind == Kind.NOTE else ''}{check.holds}\n" for check in (*ALL, *checks_of([]))]
    assert [line for line in lines if line not in page] == []


def test_the_page_about_the_checker_says_how_many_ways_there_are() -> None:
    page = (PROJECT_DIR / "docs" / "guides" / "check.md").read_text()
    orders, shipments, payments = (len(machine.ways()) for machine in (ORDER, SHIPMENT, PAYMENT))
    assert f"{orders} for orders, {shipments} for shipments, {payments} for\n  payments" in page
