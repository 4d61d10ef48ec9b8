"""Four eyes: what staff may not do alone waits until another person confirms it."""

from typing import Any

import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.approvals.model import Act, Request
from oms.domain.approvals.rules import AwaitsConfirmation, SecondPerson
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.money import Amounts
from tests.schema.api import ANA, Api, Known
from tests.shop import CART, COURIER, MANAGER, SUPPORT

KIM, LEE = Viewer("kim", Role.SUPPORT), Viewer("lee", Role.MANAGER)
CANCEL = 'mutation ($id: ID!) { cancelOrder(orderId: $id, reason: "Fraud") { order { status } userErrors { reason } } }'
FAIL = 'mutation ($id: ID!) { failShipment(shipmentId: $id, reason: "Lost") { userErrors { reason } } }'
GIVE_UP = 'mutation ($id: ID!) { giveUpWork(workId: $id, reason: "No way") { userErrors { reason } } }'
ERASE = 'mutation ($id: String!) { eraseCustomer(reference: $id, reason: "Asked for") { userErrors { reason } } }'
CONFIRM = "mutation ($id: ID!) { confirmApproval(approvalId: $id) { done userErrors { reason } } }"
REJECT = "mutation ($id: ID!) { rejectApproval(approvalId: $id) { done userErrors { reason } } }"
WAITING = """{ approvals { nodes {
    id act subject reason refund { amount } requestedBy requestedRole order { id } viewerCanConfirm } } }"""
WAITS = {"userErrors": [{"reason": "NEEDS_SECOND_PERSON"}]}
DONE = {"done": True, "userErrors": []}


class Careful(Api):
    """Staff refund 1,000 minor units and more, and erase customers, with a second person only."""

    def context(self, *given: Any) -> Any:
        context = super().context(*given)
        context.second_person = SecondPerson(Amounts((("USD", 1_000),)), erasures=True)
        return context


@pytest.fixture
def careful(api: Api) -> Careful:
    return Careful(api.shop)


async def waiting(api: Api, viewer: Viewer = LEE) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = (await api.ask(WAITING, viewer))["nodes"]
    return nodes


async def test_a_refund_is_done_when_another_person_confirms_it_in_the_name_of_the_first(careful: Careful) -> None:
    known = await careful.booked()
    for _ in range(2):
        assert await careful.ask(CANCEL, KIM, id=known.id) == WAITS | {"order": None}
    [request] = await waiting(careful)
    key = request.pop("id")
    amount = request.pop("refund")["amount"]
    assert amount >= 1_000
    assert request == {
        "act": "CANCEL_ORDER", "subject": known.id, "reason": "Fraud", "requestedBy": "kim", "requestedRole": "SUPPORT",
        "order": {"id": known.id}, "viewerCanConfirm": True,
    }  # fmt: skip
    assert not (await waiting(careful, KIM))[0]["viewerCanConfirm"]
    assert (await careful.ask(CONFIRM, KIM, id=key))["userErrors"] == [{"reason": "OWN_REQUEST"}]
    assert "OrderCancelled" not in await careful.shop.events(known.key)
    assert await careful.ask(CONFIRM, LEE, id=key) == DONE
    assert await waiting(careful) == []
    cancelled = "SELECT actor, reason FROM order_events WHERE type = 'OrderCancelled'"
    assert await careful.shop.rows(cancelled) == [("kim", "Fraud")]
    assert (await careful.ask(CONFIRM, LEE, id=key))["userErrors"] == [{"reason": "APPROVAL_NOT_FOUND"}]
    recorded = "SELECT action, actor, subject FROM audit_events WHERE action LIKE 'Act%' ORDER BY id"
    assert await careful.shop.rows(recorded) == [
        ("ActRequested", "kim", known.id),
        ("ActConfirmed", "lee", known.id),
    ]
    await careful.shop.run()
    refunded = "SELECT sum(refunded_minor) FROM shipments WHERE order_id = :id"
    assert await careful.shop.rows(refunded, id=known.key) == [(amount,)]


async def test_a_rejected_request_changes_nothing_and_may_be_made_again(careful: Careful) -> None:
    known = await careful.booked()
    await careful.ask(FAIL, KIM, id=known.shipment())
    [first] = await waiting(careful)
    assert await careful.ask(REJECT, KIM, id=first["id"]) == DONE
    assert await waiting(careful) == []
    assert await careful.ask(FAIL, KIM, id=known.shipment()) == WAITS
    [second] = await waiting(careful)
    assert second["id"] != first["id"]
    assert await careful.ask(CONFIRM, LEE, id=second["id"]) == DONE
    assert "ShipmentFailed" in await careful.shop.events(known.key)


async def test_giving_up_a_charged_shipment_waits_too(careful: Careful) -> None:
    known = await careful.booked()
    await careful.shop.execute(
        "UPDATE shipments SET status = 'PENDING', booked_at = NULL, courier_code = NULL WHERE number = 1"
    )
    await careful.shop.execute(
        """INSERT INTO work (subject_id, part, queue, step, due_at, attempt, parked_at, last_error)
           VALUES (:id, 1, 'booking', 'BOOK', now(), 3, now(), 'no answer')""",
        id=known.key,
    )
    work = f"wrk_{known.key.hex}_1_booking"
    assert await careful.ask(GIVE_UP, KIM, id=work) == WAITS
    [request] = await waiting(careful)
    assert request["order"] == {"id": known.id}
    assert await careful.ask(CONFIRM, LEE, id=request["id"]) == DONE, "as kim, for managers give up nothing"
    assert (await careful.shop.events(known.key))[-1] == "ShipmentFailed"


async def test_an_erasure_waits_and_its_request_names_nobody(careful: Careful) -> None:
    await careful.shop.stock_up({"tea": {"north": 5}})
    await careful.shop.cancel(await careful.shop.place({"tea": 1}, customer="cy"))
    assert await careful.ask(ERASE, LEE, id="cy") == WAITS
    [request] = await waiting(careful, KIM)
    assert request["subject"].startswith("cus_")
    assert request["order"] is None
    assert await careful.ask(CONFIRM, KIM, id=request["id"]) == DONE
    assert await careful.shop.rows("SELECT id FROM customers WHERE reference = 'cy'") == []


async def test_smaller_refunds_and_those_of_others_are_done_at_once(careful: Careful) -> None:
    for viewer in (ANA, CART):
        known = await careful.booked()
        assert (await careful.ask(CANCEL, viewer, id=known.id))["userErrors"] == []
    known = await careful.booked()
    assert await careful.ask(FAIL, COURIER, id=known.shipment()) == {"userErrors": []}
    uncharged = Known(await careful.shop.place({"tea": 1}))
    assert (await careful.ask(CANCEL, SUPPORT, id=uncharged.id))["userErrors"] == []
    assert await waiting(careful) == []


async def test_by_default_one_person_is_enough(api: Api) -> None:
    known = await api.booked()
    assert (await api.ask(CANCEL, MANAGER, id=known.id))["userErrors"] == []


def test_amounts_of_different_currencies_are_not_compared() -> None:
    careful = SecondPerson(Amounts((("EUR", 1_000),)))
    careful.check_refund(KIM, Request(Act.CANCEL_ORDER, "order", None, 5_000, "USD"))
    with pytest.raises(AwaitsConfirmation):
        careful.check_refund(KIM, Request(Act.CANCEL_ORDER, "order", None, 1_000, "EUR"))
