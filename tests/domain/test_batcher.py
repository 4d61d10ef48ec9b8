"""Commands that arrive at the same time run in one batch; each has its own result."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from oms.domain.access.permissions import Viewer
from oms.domain.batched_commands import BatchedCommands
from oms.domain.fulfilment.commands import CourierAction, MoveShipment
from oms.domain.idempotency.batcher import MAX_BATCH, Batcher, Command, Done
from oms.domain.idempotency.keys import IdempotencyKey, KeyInUse, KeyReused
from oms.domain.order.storage.load import lock
from oms.domain.placing import commands as orders
from oms.domain.placing.commands import Placed
from oms.domain.placing.request import LineRequest, OrderRequest
from oms.domain.vocabulary.errors import Code, Refused
from oms.platform.db import Database, Tx
from oms.platform.faults import lock_waits
from oms.platform.faults.outages import OutcomeUnknown, is_outage
from tests.shop import CART, COURIER, MANAGER, ShopUnderTest, together


def command(
    reference: str, key: str | None = None, body: bytes = b"body", viewer: Viewer = CART
) -> Command[OrderRequest]:
    request = OrderRequest(reference, "ana", (LineRequest("MUG", 1),), "sandbox-ok")
    return Command(viewer, request, IdempotencyKey.of(key, body) if key else None)


def dispatching(order_id: UUID) -> Command[MoveShipment]:
    return Command(COURIER, MoveShipment(CourierAction.DISPATCH, (order_id, 1)))


def placing_batcher(shop: ShopUnderTest, act: Any = orders.place) -> Batcher[OrderRequest, Placed]:
    return Batcher(shop.db, act, lambda placed: placed.id.hex, lambda request: request.reference)


@pytest.fixture
async def stocked(shop: ShopUnderTest) -> ShopUnderTest:
    await shop.stock_up({"MUG": {"A": 1000}})
    return shop


async def transactions(shop: ShopUnderTest) -> int:
    return int((await shop.rows("SELECT count(DISTINCT transaction) FROM order_events"))[0][0])


async def test_commands_that_arrive_while_a_batch_runs_form_the_next_batch(stocked: ShopUnderTest) -> None:
    batcher = placing_batcher(stocked)
    done = await together(*(batcher.run(command(f"order-{n}")) for n in range(2 * MAX_BATCH + 1)))
    assert len({each.subject for each in done}) == 2 * MAX_BATCH + 1
    assert await transactions(stocked) == 3


async def test_a_single_command_runs_at_once(stocked: ShopUnderTest) -> None:
    batcher = placing_batcher(stocked)
    for number in range(3):
        await batcher.run(command(f"order-{number}"))
    assert await transactions(stocked) == 3


async def test_a_refusal_concerns_no_other_command(stocked: ShopUnderTest) -> None:
    unknown = Command(CART, OrderRequest("unknown", "ana", (LineRequest("TEA", 1),), "sandbox-ok"))
    good, refused, forbidden, other = await together(
        *map(placing_batcher(stocked).run, (command("a"), unknown, command("b", viewer=MANAGER), command("c")))
    )
    assert isinstance(refused, Refused)
    assert [problem.code for problem in refused.problems] == [Code.INVALID]
    assert isinstance(forbidden, Refused)
    assert [problem.code for problem in forbidden.problems] == [Code.FORBIDDEN]
    assert await stocked.rows("SELECT reference FROM orders ORDER BY 1") == [("a",), ("c",)]
    assert isinstance(good, Done)
    assert isinstance(other, Done)


async def test_a_command_that_cannot_be_written_fails_alone(stocked: ShopUnderTest) -> None:
    async def act(tx: Tx, requests: Sequence[tuple[Viewer, OrderRequest]]) -> Sequence[Placed | Refused]:
        placed = await orders.place(tx, requests)
        if any(request.reference == "b" for _, request in requests):
            raise RuntimeError("after it was written")
        return placed

    batcher = placing_batcher(stocked, act)
    one, bad, other = await together(*(batcher.run(command(reference)) for reference in "abc"))
    assert isinstance(bad, RuntimeError)
    assert {each.result.id for each in (one, other)} == {row[0] for row in await stocked.rows("SELECT id FROM orders")}


async def test_if_the_database_is_lost_every_command_fails_and_none_is_repeated(stocked: ShopUnderTest) -> None:
    attempts = 0

    async def act(_tx: Tx, _requests: Sequence[Any]) -> Sequence[Placed | Refused]:
        nonlocal attempts
        attempts += 1
        raise OutcomeUnknown

    batcher = placing_batcher(stocked, act)
    results = await together(*(batcher.run(command(reference)) for reference in "abc"))
    assert [type(each) for each in results] == [OutcomeUnknown] * 3
    assert attempts == 1


@pytest.fixture
async def patient(database_url: str) -> AsyncIterator[Database]:
    """As a web process has it: waiting for a lock ends early."""
    db = Database(database_url, pool_size=10, notify=lambda _: None, lock_timeout_s=0.3)
    yield db
    await db.close()


async def test_a_locked_order_delays_only_its_own_command(stocked: ShopUnderTest, patient: Database) -> None:
    keys = [await stocked.place({"MUG": 1}) for _ in range(4)]
    await stocked.run()
    move = BatchedCommands.over(patient).move
    async with stocked.db.transaction() as tx:
        await lock(tx, [keys[1]])
        held = asyncio.create_task(move.run(dispatching(keys[1])))
        await together(*(move.run(dispatching(key)) for key in (keys[0], keys[2])))
        await asyncio.sleep(0)
        await move.run(dispatching(keys[3]))  # arrives later and overtakes the one that waits
        assert not held.done()
        free = await stocked.rows("SELECT order_id FROM shipments WHERE status = 'DISPATCHED'")
        assert {row[0] for row in free} == {keys[0], keys[2], keys[3]}
    assert (await held).subject == [keys[1].hex, 1]


@pytest.mark.parametrize("together_first", [True, False])
async def test_more_presses_on_one_locked_order_than_there_are_connections_delay_no_other(
    stocked: ShopUnderTest, patient: Database, together_first: bool
) -> None:
    keys = [await stocked.place({"MUG": 1}) for _ in range(6)]
    await stocked.run()
    move = BatchedCommands.over(patient).move
    async with stocked.db.transaction() as tx:
        await lock(tx, [keys[0]])
        presses = []
        for _ in range(14):
            presses.append(asyncio.create_task(move.run(dispatching(keys[0]))))
            await asyncio.sleep(0 if together_first else 0.05)
        async with asyncio.timeout(20):
            for key in keys[1:]:
                await move.run(dispatching(key))
        assert not any(press.done() for press in presses)
    results = await together(*presses)
    assert [type(each).__name__ for each in results].count("Done") == 1
    assert [type(each).__name__ for each in results].count("Refused") == 13


async def test_a_command_on_an_order_that_stays_locked_ends_as_an_outage(
    stocked: ShopUnderTest, patient: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_waits, "PATIENCE_S", 0.5)
    key = await stocked.place({"MUG": 1})
    await stocked.run()
    move = BatchedCommands.over(patient).move
    async with stocked.db.transaction() as tx:
        await lock(tx, [key])
        with pytest.raises(DBAPIError) as ended:
            await asyncio.wait_for(move.run(dispatching(key)), 20)
    assert is_outage(ended.value)
    await move.run(dispatching(key))


async def test_two_commands_on_one_shipment_are_decided_one_after_the_other(stocked: ShopUnderTest) -> None:
    key = await stocked.place({"MUG": 1})
    await stocked.run()
    move = BatchedCommands.over(stocked.db).move
    first, second = await together(*(move.run(dispatching(key)) for _ in range(2)))
    assert isinstance(first, Done)
    assert isinstance(second, Refused)
    assert second.problems[0].code == Code.CONFLICT
    assert (await stocked.events(key)).count("ShipmentDispatched") == 1


async def test_a_shipment_is_dispatched_and_delivered_in_one_batch(stocked: ShopUnderTest) -> None:
    key = await stocked.place({"MUG": 1})
    await stocked.run()
    move = BatchedCommands.over(stocked.db).move
    await together(
        move.run(dispatching(key)), move.run(Command(COURIER, MoveShipment(CourierAction.DELIVER, (key, 1))))
    )
    assert (await stocked.events(key))[-3:] == ["ShipmentDispatched", "ShipmentDelivered", "OrderCompleted"]
    assert await stocked.levels() == {("MUG", "A"): (999, 0)}


async def test_of_two_simultaneous_commands_with_one_key_one_takes_effect(stocked: ShopUnderTest) -> None:
    batcher = placing_batcher(stocked)
    first, second = await together(batcher.run(command("a", "key")), batcher.run(command("a", "key")))
    assert isinstance(first, Done)
    assert isinstance(second, KeyInUse)
    again, other_body, other = await together(
        batcher.run(command("a", "key")), batcher.run(command("b", "key", b"other")), batcher.run(command("c", "new"))
    )
    assert (again.subject, again.result) == (first.subject, None)
    assert isinstance(other_body, KeyReused)
    assert isinstance(other, Done)
    assert len(await stocked.rows("SELECT key FROM idempotency_keys")) == 2


async def test_the_same_order_twice_in_a_batch_is_placed_once(stocked: ShopUnderTest) -> None:
    batcher = placing_batcher(stocked)
    first, second = await together(batcher.run(command("a")), batcher.run(command("a")))
    assert first.subject == second.subject
    assert (first.result.order is None, second.result.order is None) == (False, True)


async def test_a_caller_that_disconnects_does_not_stop_other_commands(stocked: ShopUnderTest) -> None:
    batcher = placing_batcher(stocked)
    gone = asyncio.create_task(batcher.run(command("a")))
    stays = asyncio.create_task(batcher.run(command("b")))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await stays).result
    assert await stocked.rows("SELECT reference FROM orders ORDER BY 1") == [("a",), ("b",)]
