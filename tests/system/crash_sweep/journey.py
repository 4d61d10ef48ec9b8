"""One order's life: the commands of people, and the order's state as the sweep observes it from outside."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from oms.domain.vocabulary import ids
from tests.system.crash_sweep.instances import Instance

_POLL_EVERY_S: Final = 0.02
FINAL: Final = ("COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT")
PAID: Final = ("SUCCEEDED", "REFUNDED")

_PLACE: Final = "mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) { order { id status } ERRORS } }"
_ACCEPT: Final = "mutation ($order: ID!) { acceptAmendedOrder(orderId: $order) { order { status } ERRORS } }"
_CANCEL: Final = (
    'mutation ($order: ID!) { cancelOrder(orderId: $order, reason: "Changed my mind") { order { status } ERRORS } }'
)
_DISPATCH: Final = (
    "mutation ($shipment: ID!) { dispatchShipment(shipmentId: $shipment) { shipment { status } ERRORS } }"
)
_DELIVER: Final = "mutation ($shipment: ID!) { deliverShipment(shipmentId: $shipment) { shipment { status } ERRORS } }"
_ATTEMPT: Final = (
    'mutation ($shipment: ID!) { tryDeliveryAgain(shipmentId: $shipment, reason: "Nobody at home")'
    " { shipment { status } ERRORS } }"
)
_FAIL: Final = (
    'mutation ($shipment: ID!) { failShipment(shipmentId: $shipment, reason: "Lost") { shipment { status } ERRORS } }'
)
_RETRY: Final = "mutation ($work: ID!) { retryWork(workId: $work) { order { status } ERRORS } }"
_GIVE_UP: Final = 'mutation ($work: ID!) { giveUpWork(workId: $work, reason: "No answer") { order { status } ERRORS } }'
_NOTE: Final = "mutation ($order: ID!, $text: String!) { addNote(orderId: $order, text: $text) { note { id } ERRORS } }"
_MAINTENANCE: Final = (
    "mutation ($on: Boolean!) { setFraudMaintenance(enabled: $on) { fraudSettings { maintenanceMode } ERRORS } }"
)

_STATE: Final = """
    SELECT id, status,
        (SELECT coalesce(json_agg(json_build_array(status, payment_status) ORDER BY number), '[]') FROM shipments
         WHERE order_id = orders.id) AS shipments,
        (SELECT coalesce(sum(attempts), 0) FROM shipments WHERE order_id = orders.id) AS attempts,
        (SELECT coalesce(json_agg(json_build_array(part, queue, step, held, parked_at)), '[]') FROM work
         WHERE subject_id = orders.id) AS work,
        (SELECT coalesce(json_agg(text ORDER BY number), '[]') FROM order_notes WHERE order_id = orders.id) AS notes
    FROM orders WHERE reference = $1
"""


class NeverHappened(AssertionError):
    """Something that must happen, wherever a process is killed, did not."""


@dataclass(frozen=True, slots=True)
class State:
    """`shipments`: status and payment status of each. `parked`: part and queue of parked work."""

    status: str
    shipments: tuple[tuple[str, str], ...]
    parked: tuple[tuple[int, str], ...]
    is_held: bool
    steps: tuple[str, ...]
    notes: tuple[str, ...]
    attempts: int

    @property
    def is_over(self) -> bool:
        """Final, with no work left."""
        return self.status in FINAL and not self.steps


class Journey:
    """Plays one scenario on one instance. Commands are repeated until they are answered, each with its own key."""

    def __init__(self, instance: Instance, reference: str, timeout_s: float) -> None:
        self._instance = instance
        self._reference = reference
        self._timeout_s = timeout_s
        self._retries = 0
        self.noted: list[str] = []
        self.attempts = 0
        self.id: UUID

    async def place(self, lines: Mapping[str, int], *, key: str | None = None, **more: Any) -> None:
        """Without a key, the reference alone makes it repeatable."""
        order = {"reference": self._reference, "customerReference": f"customer-{self._reference}"} | more
        order["lines"] = [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()]
        placed = await self._request("SERVICE", _PLACE, key and f"{self._reference}-{key}", input=order)
        found = ids.parse_order(placed["order"]["id"])
        assert found
        self.id = found

    async def accept(self) -> None:
        await self._request("SERVICE", _ACCEPT, f"{self._reference}-accept", order=ids.order_id(self.id))

    async def cancel(self) -> None:
        await self._request("SUPPORT", _CANCEL, f"{self._reference}-cancel", order=ids.order_id(self.id))

    async def dispatch(self, number: int) -> None:
        await self._for_shipment(_DISPATCH, number, "dispatch")

    async def deliver(self, number: int) -> None:
        await self._for_shipment(_DELIVER, number, "deliver")

    async def attempt(self, number: int) -> None:
        self.attempts += 1
        await self._for_shipment(_ATTEMPT, number, "attempt")

    async def fail(self, number: int) -> None:
        await self._for_shipment(_FAIL, number, "fail")

    async def note(self, text: str) -> None:
        self.noted.append(text)
        key = f"{self._reference}-note-{len(self.noted)}"
        await self._request("SUPPORT", _NOTE, key, order=ids.order_id(self.id), text=text)

    async def _for_shipment(self, document: str, number: int, action: str) -> None:
        key = f"{self._reference}-{action}-{number}"
        await self._request("COURIER", document, key, shipment=ids.shipment_id(self.id, number))

    async def give_up(self) -> None:
        await self._for_parked(_GIVE_UP, f"{self._reference}-give-up")

    async def _retry(self) -> None:
        self._retries += 1
        await self._for_parked(_RETRY, f"{self._reference}-retry-{self._retries}")

    async def _for_parked(self, document: str, key: str) -> None:
        state = await self.state()
        assert state
        part, queue = state.parked[0]
        await self._request("SUPPORT", document, key, work=ids.work_id(self.id, part, queue))

    async def switch_maintenance(self, *, on: bool) -> None:
        await self._request("MANAGER", _MAINTENANCE, f"{self._reference}-maintenance-{on}", on=on)

    async def _request(self, role: str, document: str, key: str | None, **variables: Any) -> Any:
        document = document.replace("ERRORS", "userErrors { code message }")
        return await self._instance.client.request(role, document, key=key, **variables)

    async def state(self) -> State | None:
        """None while the order does not exist."""
        rows = await self._instance.rows(_STATE, self._reference)
        if not rows:
            return None
        work = json.loads(rows[0]["work"])
        return State(
            rows[0]["status"],
            tuple((status, payment) for status, payment in json.loads(rows[0]["shipments"])),
            tuple((part, queue) for part, queue, _, _, parked_at in work if parked_at),
            any(held for *_, held, _ in work),
            tuple(step for _, _, step, *_ in work),
            tuple(json.loads(rows[0]["notes"])),
            rows[0]["attempts"],
        )

    async def until(self, holds: Callable[[State], bool], *, retrying: bool = False) -> State:
        """Polls until it holds; restarts killed processes. `retrying`: support retries parked work.

        Raises NeverHappened.
        """
        state = None
        try:
            async with asyncio.timeout(self._timeout_s):
                while True:
                    await self._instance.keep_running()
                    state = await self.state()
                    if state and holds(state):
                        return state
                    if state and retrying and state.parked:
                        await self._retry()
                    await asyncio.sleep(_POLL_EVERY_S)
        except TimeoutError as error:
            raise NeverHappened(f"within {self._timeout_s:g} s; the order is {state}") from error

    def provider_errors(self, state: State) -> Iterator[str]:
        """Where the billing system's and the courier's books do not match how the shipments ended."""
        calls = self._calls()
        for number, (_, payment) in enumerate(state.shipments, 1):
            charges = _granted(calls, "charge", f"{self.id.hex}-{number}-")
            refunds = _granted(calls, "refund", f"{self.id.hex}-{number}-")
            bookings = _granted(calls, "book", f"{self.id.hex}-{number}-")
            if len(charges) != (payment in PAID):
                yield f"shipment {number} was charged {len(charges)} times, its payment is {payment}: {charges}"
            if len(refunds) != (payment == "REFUNDED"):
                yield f"shipment {number} was refunded {len(refunds)} times, its payment is {payment}: {refunds}"
            if len(bookings) > 1:
                yield f"shipment {number} was booked {len(bookings)} times: {bookings}"

    def _calls(self) -> Sequence[tuple[str, str, Any]]:
        query = "SELECT operation, key, answer FROM calls WHERE outcome = 'EFFECT' AND key LIKE ?"
        with closing(sqlite3.connect(self._instance.sandbox_log)) as connection:
            found = connection.execute(query, (f"{self.id.hex}-%",)).fetchall()
        return [(operation, key, json.loads(answer or "null") or {}) for operation, key, answer in found]


def _granted(calls: Sequence[tuple[str, str, Any]], operation: str, prefix: str) -> list[str]:
    return [
        key
        for name, key, answer in calls
        if name == operation and key.startswith(prefix) and answer.get("succeeded", answer.get("accepted", True))
    ]
