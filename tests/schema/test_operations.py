"""How the system runs, parked work, and faults: masked for clients, in full in the log."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from oms.domain.concepts import REGISTRY
from oms.domain.order_queries import orders
from tests.schema.api import Api, Known, codes
from tests.shop import SUPPORT

STATS = "{ operations { completionRate queues { name workers backlog oldestDueSeconds } } }"
PARKED = """query ($after: String) { parkedWork(first: 1, after: $after) {
    nodes { id queue step order { id } shipment { id } attempts lastError parkedAt }
    pageInfo { hasNextPage endCursor } } }"""


async def stats(api: Api) -> dict[str, dict[str, Any]]:
    return {queue["name"]: queue for queue in (await api.ask(STATS))["queues"]}


async def test_an_idle_system_has_four_queues_without_backlog(api: Api) -> None:
    idle = {"workers": 0, "backlog": 0, "oldestDueSeconds": 0}
    assert await stats(api) == {str(queue): idle | {"name": str(queue)} for queue in REGISTRY.work_kinds}


async def test_backlog_is_work_that_is_due_and_not_done(api: Api) -> None:
    await api.shop.stock_up({"tea": {"north": 5}})
    for _ in range(3):
        await api.shop.place({"tea": 1})
    await api.shop.execute("UPDATE work SET due_at = clock_timestamp() - interval '7 seconds'")
    allocation = (await stats(api))["allocation"]
    assert allocation["backlog"] == 3
    assert 7 <= allocation["oldestDueSeconds"] < 30
    await api.shop.execute("UPDATE work SET due_at = clock_timestamp() + interval '1 hour'")
    assert (await stats(api))["allocation"]["backlog"] == 0


async def test_work_that_is_parked_or_held_is_no_backlog(api: Api) -> None:
    await api.shop.stock_up({"tea": {"north": 5}})
    await api.shop.place({"tea": 1})
    for state in ("held = true", "held = false, parked_at = clock_timestamp()"):
        await api.shop.execute(f"UPDATE work SET {state}")
        assert (await stats(api))["allocation"]["backlog"] == 0


async def test_a_worker_counts_while_it_sends_heartbeats(api: Api) -> None:
    await api.shop.execute(
        """INSERT INTO workers (name, queues, listening, failures, seen_at) VALUES
           ('one', '{billing,booking}', '{}', 0, clock_timestamp()), ('two', '{billing}', '{}', 0, clock_timestamp()),
           ('dead', '{billing}', '{}', 0, clock_timestamp() - interval '6 seconds')"""
    )
    found = await stats(api)
    assert {name: queue["workers"] for name, queue in found.items()} == {
        "allocation": 0,
        "billing": 2,
        "booking": 1,
        "deadlines": 0,
    }


async def test_the_completion_rate_is_of_the_last_thirty_seconds(api: Api) -> None:
    for _ in range(3):
        known = await api.booked()
        for number in (1, 2):
            await api.shop.dispatch(known.key, number)
            await api.shop.deliver(known.key, number)
    await api.shop.execute(
        "UPDATE orders SET closed_at = closed_at - interval '31 seconds' WHERE reference = 'order-1'"
    )
    assert (await api.ask(STATS))["completionRate"] == pytest.approx(2 / 30)


async def parked(api: Api) -> Known:
    """An order of two shipments, the billing of both parked."""
    await api.shop.stock_up({"tea": {"north": 5}, "mug": {"south": 5}})
    known = Known(await api.shop.place({"tea": 1, "mug": 1}))
    await api.shop.run("allocation")
    await api.shop.execute(
        """UPDATE work SET parked_at = clock_timestamp(), last_error = 'no answer', attempt = 12
           WHERE queue = 'billing'"""
    )
    return known


async def test_parked_work_shows_its_subject_and_error_page_by_page(api: Api) -> None:
    known = await parked(api)
    found: list[Any] = []
    after = None
    while True:
        page = await api.ask(PARKED, after=after)
        found += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert {work["shipment"]["id"] for work in found} == {known.shipment(1), known.shipment(2)}
    assert {(w["queue"], w["step"], w["attempts"], w["lastError"]) for w in found} == {
        ("billing", "CHARGE", 12, "no answer")
    }
    assert {work["order"]["id"] for work in found} == {known.id}


async def test_parked_work_is_retried_or_given_up_and_gone_either_way(api: Api) -> None:
    known = await parked(api)
    ids = [f"wrk_{known.key.hex}_{number}_billing" for number in (1, 2)]
    retry = "mutation ($id: ID!) { retryWork(workId: $id) { order { id } userErrors { code } } }"
    give_up = """mutation ($id: ID!) { giveUpWork(workId: $id, reason: "The bank is gone") {
        order { id shipments { status } } userErrors { code } } }"""
    assert codes(await api.ask(retry, SUPPORT, id=ids[0])) == []
    given_up = await api.ask(give_up, SUPPORT, id=ids[1])
    assert [s["status"] for s in given_up["order"]["shipments"]] == ["PENDING", "FAILED"]
    assert codes(await api.ask(retry, SUPPORT, id=ids[0])) == ["NOT_FOUND"]
    assert codes(await api.ask(give_up, SUPPORT, id=ids[1])) == ["NOT_FOUND"]
    await api.shop.run()
    order = await api.ask("query ($id: ID!) { order(id: $id) { shipments { status } } }", id=known.id)
    assert [s["status"] for s in order["shipments"]] == ["BOOKED", "FAILED"]


async def test_a_fault_is_reported_by_its_number_and_logged_in_full(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError("secret internals")

    monkeypatch.setattr(orders, "of_reference", fail)
    with capture_logs() as logs:
        error = await api.refusal('{ order(reference: "r") { id } }')
    assert error.extensions is not None
    assert error.extensions["code"] == "INTERNAL"
    assert "secret" not in str(error.formatted)
    number = error.extensions["correlationId"]
    assert number in error.message
    [logged] = [entry for entry in logs if entry.get("correlation_id") == number]
    assert isinstance(logged["exc_info"], ZeroDivisionError)


async def test_an_unreachable_database_is_reported_as_unavailable(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise ConnectionRefusedError(111, "refused")

    monkeypatch.setattr(orders, "of_reference", fail)
    error = await api.refusal('{ order(reference: "r") { id } }')
    assert error.extensions is not None
    assert error.extensions["code"] == "UNAVAILABLE"
