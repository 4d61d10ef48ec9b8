"""Live results: sent at once and after every change, never stale, only to those who may see them, and they end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest
from graphql import GraphQLError

from oms.domain.order_queries.event_log import ShipmentChange
from oms.domain.vocabulary.ids import shipment_id
from oms.platform.db import Database
from oms.platform.faults import outages
from oms.schema import timeline
from oms.schema.runtime import context
from oms.schema.schema import schema
from tests.schema.api import ANA, Api, Known
from tests.shop import COURIER, MANAGER, SUPPORT, customer

UPDATED = """subscription ($id: ID!) { orderUpdated(orderId: $id) {
    status shipments { status payment { status } } events(first: 100) { nodes { type } } viewerCanCancel } }"""
EVENTS = "subscription ($id: ID!, $after: String) { orderEvents(orderId: $id, after: $after) { cursor type summary } }"
SHIPMENTS = """subscription ($filter: ShipmentFilter) { shipmentUpdated(filter: $filter) {
    id status order { id } payment { status } } }"""
SETTINGS = "subscription { fraudSettingsUpdated { spendingLimit maintenanceMode } }"


async def following(stream: AsyncGenerator[Any, None]) -> Any:
    """The next value. Raises StopAsyncIteration at the end, TimeoutError if nothing comes."""
    return await asyncio.wait_for(anext(stream), timeout=5)


async def ended(stream: AsyncGenerator[Any, None]) -> bool:
    try:
        await following(stream)
    except StopAsyncIteration:
        return True
    return False


async def silent(stream: AsyncGenerator[Any, None]) -> bool:
    """Whether nothing comes now. Ends the stream."""
    try:
        await asyncio.wait_for(anext(stream), timeout=0.1)
    except TimeoutError:
        return True
    return False


async def test_an_order_is_sent_at_once_and_after_every_change_until_it_is_final(api: Api) -> None:
    known = await api.booked()
    async with aclosing(api.watch(UPDATED, ANA, id=known.id)) as states:
        state = await following(states)
        assert state["status"] == "PROCESSING"
        for number in (1, 2):
            for act, status in ((api.shop.dispatch, "DISPATCHED"), (api.shop.deliver, "DELIVERED")):
                await act(known.key, number)
                api.notifications.orders[known.key].set()
                state = await following(states)
                assert state["shipments"][number - 1]["status"] == status
                assert state["events"]["nodes"][-1]["type"] in (f"Shipment{status.capitalize()}", "OrderCompleted")
        assert state["status"] == "COMPLETED"
        assert await ended(states)
    assert api.notifications.subscribers == 0


async def test_it_continues_while_a_refund_is_due(api: Api) -> None:
    known = await api.booked()
    async with aclosing(api.watch(UPDATED, ANA, id=known.id)) as states:
        await following(states)
        await api.shop.cancel(known.key)
        api.notifications.orders[known.key].set()
        state = await following(states)
        assert state["status"] == "CANCELLED"
        assert {s["payment"]["status"] for s in state["shipments"]} == {"SUCCEEDED"}
        await api.shop.run()
        api.notifications.orders[known.key].set()
        assert {s["payment"]["status"] for s in (await following(states))["shipments"]} == {"REFUNDED"}
        assert await ended(states)


async def test_a_final_order_is_sent_once(api: Api) -> None:
    known = await api.amended()
    await api.shop.cancel(known.key)
    async with aclosing(api.watch(UPDATED, ANA, id=known.id)) as states:
        assert (await following(states))["status"] == "CANCELLED"
        assert await ended(states)


async def test_a_courier_s_subscription_ends_when_the_order_becomes_invisible(api: Api) -> None:
    known = await api.booked()
    async with aclosing(api.watch(UPDATED, COURIER, id=known.id)) as states:
        state = await following(states)
        assert state["shipments"][0]["payment"] is None
        await api.shop.cancel(known.key)
        api.notifications.orders[known.key].set()
        assert await ended(states)


@pytest.mark.parametrize("document", [UPDATED, EVENTS])
@pytest.mark.parametrize("key", ["nonsense", "ord_" + "1" * 32])
async def test_a_subscription_to_an_unknown_order_is_refused(api: Api, document: str, key: str) -> None:
    with pytest.raises(GraphQLError) as refusal:
        await following(api.watch(document, SUPPORT, id=key))
    assert refusal.value.extensions == {"code": "NOT_FOUND", "reason": "ORDER_NOT_FOUND", "path": ["orderId"]}


async def test_past_events_are_sent_first_then_live_ones(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "MAX_PAGE_SIZE", 3)
    known = await api.booked()
    past = await api.shop.events(known.key)
    assert len(past) > 3
    async with aclosing(api.watch(EVENTS, ANA, id=known.id)) as events:
        received = [await following(events) for _ in past]
        assert [event["type"] for event in received] == past
        await api.shop.cancel(known.key)
        api.notifications.orders[known.key].set()
        now = (await api.shop.events(known.key))[len(past) :]
        received += [await following(events) for _ in now]
        await api.shop.run()
        api.notifications.orders[known.key].set()
        received += [event async for event in events]
    assert [event["type"] for event in received] == await api.shop.events(known.key)
    assert [event["cursor"] for event in received] == [str(number + 1) for number in range(len(received))]
    assert received[-1]["type"] in ("ShipmentRefunded", "BookingReleased")
    assert api.notifications.subscribers == 0


async def test_events_resume_after_a_cursor(api: Api) -> None:
    known = await api.booked()
    types = await api.shop.events(known.key)
    async with aclosing(api.watch(EVENTS, ANA, id=known.id, after="3")) as events:
        assert [(await following(events))["type"] for _ in types[3:]] == types[3:]


async def test_a_spurious_notification_repeats_no_event(api: Api) -> None:
    known = await api.booked()
    async with aclosing(api.watch(EVENTS, ANA, id=known.id)) as events:
        for _ in await api.shop.events(known.key):
            await following(events)
        api.notifications.orders[known.key].set()
        assert await silent(events)


async def test_a_courier_receives_only_events_of_booked_shipments(api: Api) -> None:
    known = await api.booked()
    async with aclosing(api.watch(EVENTS, COURIER, id=known.id)) as events:
        received = [await following(events) for _ in range(2)]
        assert {event["type"] for event in received} == {"ShipmentBooked"}
        await api.shop.dispatch(known.key)
        api.notifications.orders[known.key].set()
        assert (await following(events))["summary"] == "Shipment 1 was picked up by the courier."


async def test_a_bad_cursor_is_refused_before_it_starts(api: Api) -> None:
    known = await api.booked()
    with pytest.raises(GraphQLError) as refusal:
        await following(api.watch(EVENTS, ANA, id=known.id, after="x"))
    assert refusal.value.extensions == {"code": "INVALID", "reason": "BAD_CURSOR", "path": ["after"]}


def change(known: Known, number: int, *statuses: str) -> ShipmentChange:
    return ShipmentChange(known.key, number, frozenset(statuses))


async def test_shipments_are_sent_that_matched_before_or_match_after(api: Api) -> None:
    known = await api.booked()
    async with aclosing(api.watch(SHIPMENTS, SUPPORT, filter={"status": ["BOOKED"]})) as changes:
        for number, statuses, received in (
            (1, ("PENDING", "BOOKED"), True),
            (1, ("DISPATCHED", "DELIVERED"), False),
            (2, ("BOOKED", "DISPATCHED"), True),
        ):
            api.notifications.changes.put_nowait(change(known, number, *statuses))
            if received:
                assert (await following(changes))["id"] == known.shipment(number)
    assert api.notifications.subscribers == 0


async def test_shipments_are_filtered_by_warehouse(api: Api) -> None:
    known = await api.booked()
    async with aclosing(api.watch(SHIPMENTS, SUPPORT, filter={"warehouseCode": "south"})) as changes:
        api.notifications.changes.put_nowait(change(known, 1, "BOOKED"))
        api.notifications.changes.put_nowait(change(known, 2, "BOOKED"))
        assert (await following(changes))["id"] == known.shipment(2)


async def test_shipments_are_sent_in_their_present_state_to_those_who_may_see_them(api: Api) -> None:
    known = await api.booked()
    streams = {
        "ana": api.watch(SHIPMENTS, ANA),
        "ben": api.watch(SHIPMENTS, customer("ben")),
        "courier": api.watch(SHIPMENTS, COURIER),
    }
    await api.shop.dispatch(known.key, 1)
    for name, stream in streams.items():
        api.notifications.changes.put_nowait(change(known, 1, "PENDING", "BOOKED"))
        if name == "ben":
            assert await silent(stream)
        else:
            received = await following(stream)
            assert (received["status"], received["order"]["id"]) == ("DISPATCHED", known.id)
            assert (received["payment"] is None) is (name == "courier")
        await stream.aclose()


async def test_changes_that_were_read_together_are_sent_once(api: Api) -> None:
    known = await api.booked()
    async with aclosing(api.watch(SHIPMENTS, SUPPORT)) as changes:
        for _ in range(3):
            api.notifications.changes.put_nowait(change(known, 1, "PENDING", "BOOKED"))
        assert (await following(changes))["status"] == "BOOKED"
        await api.shop.dispatch(known.key, 1)
        api.notifications.changes.put_nowait(change(known, 1, "BOOKED", "DISPATCHED"))
        assert (await following(changes))["status"] == "DISPATCHED"


async def test_a_courier_does_not_receive_shipments_that_couriers_may_not_see(api: Api) -> None:
    await api.shop.stock_up({"tea": {"north": 5}})
    known = Known(await api.shop.place({"tea": 1}))
    await api.shop.run("allocation")
    stream = api.watch(SHIPMENTS, COURIER)
    api.notifications.changes.put_nowait(change(known, 1, "PENDING"))
    assert await silent(stream)
    await stream.aclose()


async def test_the_fraud_settings_are_sent_at_once_and_after_every_change(api: Api) -> None:
    async with aclosing(api.watch(SETTINGS, MANAGER)) as settings:
        assert await following(settings) == {"spendingLimit": 0, "maintenanceMode": False}
        await api.ask("mutation { setSpendingLimit(limit: 5) { userErrors { code } } }", MANAGER)
        api.notifications.settings.set()
        assert await following(settings) == {"spendingLimit": 5, "maintenanceMode": False}


class _Outage:
    """Reads fail while `is_on`; the numbers of reads in `fails` fail in any case."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_on = False
        self.fails: set[int] = set()
        self.count = 0
        read = Database._read

        async def fragile(db: Database, ask: Any) -> Any:
            self.count += 1
            if self.is_on or self.count in self.fails:
                raise ConnectionRefusedError
            return await read(db, ask)

        monkeypatch.setattr(Database, "_read", fragile)
        for module in (outages, context):
            monkeypatch.setattr(module, "RETRY_AFTER_S", 0.02)


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch) -> _Outage:
    return _Outage(monkeypatch)


async def test_changes_during_an_outage_are_sent_after_it(api: Api, outage: _Outage) -> None:
    known = await api.booked()
    async with aclosing(api.watch(SHIPMENTS)) as changes:
        outage.is_on = True
        for number in (1, 2):
            api.notifications.changes.put_nowait(ShipmentChange(known.key, number, frozenset({"BOOKED"})))
        waiting = asyncio.create_task(following(changes))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        outage.is_on = False
        received = [await waiting, await following(changes)]
    assert [change["id"] for change in received] == [shipment_id(known.key, number) for number in (1, 2)]


async def test_a_result_that_an_outage_broke_off_is_sent_again(api: Api, outage: _Outage) -> None:
    known = await api.booked()
    context = api.context(SUPPORT)
    results = await schema.subscribe(UPDATED, {"id": known.id}, context)
    async with aclosing(results):
        first = await following(results)
        assert not first.errors
        known_reads = outage.count
        api.notifications.orders[known.key].set()
        await following(results)
        reads_for_each = outage.count - known_reads
        outage.fails = {outage.count + reads_for_each}
        api.notifications.orders[known.key].set()
        broken, again = await following(results), await following(results)
    assert {error.extensions["code"] for error in broken.errors} == {"UNAVAILABLE"}
    assert not again.errors
    assert again.data == first.data
