"""The steps of a shipment and the next step of an order, from what the API says about them."""

from typing import Any

import pytest

from oms.web.pages.rendering.journey import Step, journey
from oms.web.pages.support.next_step import NextStep, next_step

AT = "2026-11-29T10:00:00+00:00"


def shipment(status: str, *times: str, payment: str = "SUCCEEDED") -> dict[str, Any]:
    names = ("chargedAt", "bookedAt", "dispatchedAt", "deliveredAt")
    at: dict[str, Any] = {name: AT if name in times else None for name in names}
    return {"status": status, "payment": {"status": payment, "chargedAt": at.pop("chargedAt")}, **at}


@pytest.mark.parametrize(
    ("of", "states"),
    [
        (shipment("PENDING", payment="PENDING"), ["done", "now", "", "", ""]),
        (shipment("PENDING", "chargedAt"), ["done", "done", "now", "", ""]),
        (shipment("BOOKED", "chargedAt", "bookedAt"), ["done", "done", "done", "now", ""]),
        (shipment("DISPATCHED", "chargedAt", "bookedAt", "dispatchedAt"), ["done", "done", "done", "done", "now"]),
        (shipment("DELIVERED", "chargedAt", "bookedAt", "dispatchedAt", "deliveredAt"), ["done"] * 5),
        (shipment("FAILED", "chargedAt", "bookedAt", "dispatchedAt"), ["done", "done", "done", "done", "failed"]),
        (shipment("FAILED", payment="DECLINED"), ["done", "failed", "", "", ""]),
        (shipment("CANCELLED", "chargedAt", "bookedAt"), ["done", "done", "done", "", ""]),
    ],
    ids=lambda value: value["status"] if isinstance(value, dict) else "",
)
def test_the_first_step_without_a_time_is_the_present_one_or_failed(of: dict[str, Any], states: list[str]) -> None:
    assert [step.state for step in journey(of)] == states
    assert [step.state for step in journey(of, "customer")] == states


def test_a_declined_charge_says_so_to_staff_and_customers() -> None:
    declined = shipment("FAILED", payment="DECLINED")
    assert journey(declined)[1] == Step("Charge declined", None, "failed")
    assert journey(declined, "customer")[1] == Step("Payment declined", None, "failed")


def order(**known: Any) -> dict[str, Any]:
    return {"closedAt": None, "actionDeadline": None, "work": [], "shipments": [], **known}


@pytest.mark.parametrize(
    ("of", "step"),
    [
        (order(closedAt=AT), NextStep("", "Closed", AT)),
        (order(work=[{"parkedAt": AT, "step": "CHARGE"}]), NextStep("1 stuck", "retry or give up", is_stuck=True)),
        (order(actionDeadline=AT), NextStep("Customer answers", "until", AT)),
        (order(shipments=[{"status": "DELIVERED"}, {"status": "BOOKED"}]), NextStep("Courier picks up")),
        (order(shipments=[{"status": "DISPATCHED"}]), NextStep("Courier delivers")),
        (order(), NextStep("")),
    ],
)
def test_what_has_to_happen_next(of: dict[str, Any], step: NextStep) -> None:
    assert next_step(of) == step
