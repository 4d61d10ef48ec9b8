"""Scenarios of an order's life: the commands of people, and how it ends wherever a process is killed."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tests.system.crash_sweep.instances import Conditions
from tests.system.crash_sweep.journey import Journey, State

DEFAULT: Final = Conditions()
SHORT_DEADLINE: Final = Conditions(worker=(("OMS_AMENDMENT_TIMEOUT_S", "1"),))
COURIER_REFUSES: Final = Conditions(sandbox=(("OMS_SANDBOX_REFUSAL_RATE", "1"),))
SLOW: Final = Conditions(
    worker=(("OMS_PROVIDER_TIMEOUT_S", "1.2"), ("OMS_WORK_LEASE_S", "3")), sandbox=(("OMS_SANDBOX_LATENCY_MS", "200"),)
)
LOST_CHARGE_ANSWERS: Final = Conditions(lost_answers="charge")
PARKED_AT_ONCE: Final = (("OMS_WORK_ATTEMPTS", "1"),)

DELIVERED: Final = ("DELIVERED", "SUCCEEDED")
REFUNDED: Final = ("FAILED", "REFUNDED")


@dataclass(frozen=True, slots=True)
class Scenario:
    """`ends`: the order's final status; `shipments`: status and payment status of each."""

    play: Callable[[Journey], Awaitable[None]]
    ends: str
    shipments: tuple[tuple[str, str], ...]
    conditions: Conditions = DEFAULT

    @property
    def name(self) -> str:
        return self.play.__name__


def is_booked(state: State) -> bool:
    return bool(state.shipments) and all(status in ("BOOKED", "FAILED") for status, _ in state.shipments)


def is_amended(state: State) -> bool:
    return state.status == "CUSTOMER_ACTION_REQUIRED"


async def delivered(journey: Journey) -> None:
    """Two shipments from two warehouses."""
    await journey.place({"TEA": 1, "MUG": 1})
    await journey.until(is_booked)
    for number in (1, 2):
        await journey.dispatch(number)
        await journey.deliver(number)


async def amended_and_accepted(journey: Journey) -> None:
    await journey.place({"TEA": 1, "RARE": 1}, key="place")
    await journey.until(is_amended)
    await journey.accept()
    await journey.until(is_booked)
    await journey.dispatch(1)
    await journey.deliver(1)


async def amended_and_cancelled(journey: Journey) -> None:
    await journey.place({"TEA": 1, "RARE": 1})
    await journey.until(is_amended)
    await journey.cancel()


async def amended_and_timed_out(journey: Journey) -> None:
    await journey.place({"TEA": 1, "RARE": 1})


async def nothing_available(journey: Journey) -> None:
    await journey.place({"RARE": 1})
    await journey.until(is_amended)
    await journey.cancel()


async def charge_declined(journey: Journey) -> None:
    await journey.place({"TEA": 1}, paymentMethod="sandbox-declined")


async def charge_answer_lost(journey: Journey) -> None:
    """The charge is repeated and turns out to be done; then the order is cancelled and refunded."""
    await journey.place({"TEA": 1})
    await journey.until(is_booked)
    await journey.cancel()


async def declined_by_fraud_control_in_part(journey: Journey) -> None:
    await journey.place({"TEA": 1, "MUG": 10})
    await journey.until(is_booked)
    await journey.dispatch(1)
    await journey.deliver(1)


async def held_by_maintenance(journey: Journey) -> None:
    await journey.switch_maintenance(on=True)
    await journey.place({"TEA": 1})
    await journey.until(lambda state: state.is_held)
    await journey.switch_maintenance(on=False)
    await journey.until(is_booked)
    await journey.dispatch(1)
    await journey.deliver(1)


async def no_courier(journey: Journey) -> None:
    await journey.place({"TEA": 1, "MUG": 1})


async def cancelled_while_charging(journey: Journey) -> None:
    await journey.place({"TEA": 1})
    await journey.until(lambda state: any(payment in ("CHARGING", "SUCCEEDED") for _, payment in state.shipments))
    await journey.cancel()


async def lost_in_transit(journey: Journey) -> None:
    await journey.place({"TEA": 1})
    await journey.until(is_booked)
    await journey.dispatch(1)
    await journey.attempt(1)
    await journey.note("The courier has not seen it since")
    await journey.fail(1)


async def parked_and_retried(journey: Journey) -> None:
    """The booking is made, its answer is lost and the work parked; support retries it."""
    await journey.place({"TEA": 1})
    await journey.until(lambda state: bool(state.parked) or is_booked(state))
    await journey.until(is_booked, retrying=True)
    await journey.dispatch(1)
    await journey.deliver(1)


async def parked_and_given_up(journey: Journey) -> None:
    """The charge is made, its answer is lost and the work parked; support gives it up."""
    await journey.place({"TEA": 1})
    await journey.until(lambda state: bool(state.parked) and state.shipments[0][1] == "CHARGING", retrying=True)
    await journey.give_up()


SCENARIOS: Final[Mapping[str, Scenario]] = {
    scenario.name: scenario
    for scenario in (
        Scenario(delivered, "COMPLETED", (DELIVERED, DELIVERED)),
        Scenario(amended_and_accepted, "COMPLETED", (DELIVERED,)),
        Scenario(amended_and_cancelled, "CANCELLED", (("CANCELLED", "VOIDED"),)),
        Scenario(amended_and_timed_out, "TIMED_OUT", (("CANCELLED", "VOIDED"),), SHORT_DEADLINE),
        Scenario(nothing_available, "CANCELLED", ()),
        Scenario(charge_declined, "FAILED", (("FAILED", "DECLINED"),)),
        Scenario(charge_answer_lost, "CANCELLED", (("CANCELLED", "REFUNDED"),), LOST_CHARGE_ANSWERS),
        Scenario(declined_by_fraud_control_in_part, "COMPLETED", (DELIVERED, ("FAILED", "DECLINED"))),
        Scenario(held_by_maintenance, "COMPLETED", (DELIVERED,)),
        Scenario(no_courier, "FAILED", (REFUNDED, REFUNDED), COURIER_REFUSES),
        Scenario(cancelled_while_charging, "CANCELLED", (("CANCELLED", "REFUNDED"),), SLOW),
        Scenario(lost_in_transit, "FAILED", (REFUNDED,)),
        Scenario(parked_and_retried, "COMPLETED", (DELIVERED,), Conditions(worker=PARKED_AT_ONCE, lost_answers="book")),
        Scenario(parked_and_given_up, "FAILED", (REFUNDED,), Conditions(worker=PARKED_AT_ONCE, lost_answers="charge")),
    )
}
