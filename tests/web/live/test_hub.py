"""The live hub on the real log: every change arrives exactly once, whatever happens to notifications and engines."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from graphql import GraphQLError
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection

from oms.domain.fraud import commands as fraud
from oms.domain.notes import commands as notes
from oms.domain.order_queries import event_log
from oms.domain.order_queries.event_log import ShipmentChange
from oms.platform.db import Changes, Database
from oms.platform.notifications import CHANNEL, Notifier, connect
from oms.platform.tasks import Pulse, cancelled, supervised
from oms.tools.dev_services.embedded import Engines
from oms.web.live import hub as live
from oms.web.live import listener
from oms.web.live.hub import LiveHub
from oms.web.live.listener import SILENT_S, listen_for_notifications
from tests.shop import MANAGER, ShopUnderTest, open_shop
from tests.system.faults.link import Link
from tests.web.conftest import until

_LOG = text(
    """
    INSERT INTO order_events (order_id, seq, at, type, actor, subject, data)
    VALUES (:order, :seq, clock_timestamp(), 'Allocated', 'test', '',
        jsonb_build_object('shipments', jsonb_build_array(jsonb_build_object('shipment', CAST(:seq AS int)))))
    """
)


async def _log(conn: AsyncConnection, order: UUID, seq: int) -> None:
    """An event that opens shipment number `seq`, so that changes tell which event they come from."""
    await conn.execute(_LOG, {"order": order, "seq": seq})


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    async with open_shop(database_url, tmp_path) as shop:
        yield shop


@pytest.fixture
async def hub(database_url: str) -> AsyncIterator[LiveHub]:
    """A hub that is notified only by tests."""
    async with _hub(database_url) as hub:
        yield hub


@asynccontextmanager
async def _hub(database_url: str) -> AsyncIterator[LiveHub]:
    db = Database(database_url, pool_size=5, notify=lambda _news: None)
    hub = LiveHub(db)
    following = asyncio.create_task(hub.follow())
    try:
        yield hub
    finally:
        assert not following.done()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await db.close()


class _Watched:
    """Collects what a subscription yields, in the background."""

    def __init__(self, source: AsyncGenerator[Any, None]) -> None:
        self.taken: list[Any] = []
        self._task = asyncio.create_task(self._take(source))

    async def _take(self, source: AsyncGenerator[Any, None]) -> None:
        async with aclosing(source):
            async for item in source:
                self.taken.append(item)

    async def count(self, count: int, *, within_s: float) -> None:
        await until(lambda: self._task.done() or len(self.taken) >= count, within_s=within_s)
        if self._task.done():
            await self._task

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@asynccontextmanager
async def _watching(hub: LiveHub, source: AsyncGenerator[Any, None]) -> AsyncIterator[_Watched]:
    before = hub.subscribers
    watched = _Watched(source)
    await until(lambda: hub.subscribers > before)
    try:
        yield watched
    finally:
        await watched.stop()
        assert hub.subscribers == before


async def test_a_subscriber_is_notified_at_once_and_after_a_notification(shop: ShopUnderTest, hub: LiveHub) -> None:
    await shop.stock_up({"pen": {"east": 1}})
    order = await shop.place({"pen": 1})
    async with _watching(hub, hub.order(order)) as watched:
        await watched.count(1, within_s=0.5)
        shop.changes.clear()
        await shop.cancel(order)
        for changes in shop.changes:
            hub.notify(changes)
        await watched.count(2, within_s=0.5)


async def test_a_lost_notification_costs_a_second_and_no_change(shop: ShopUnderTest, hub: LiveHub) -> None:
    await shop.stock_up({"pen": {"east": 1}})
    order = await shop.place({"pen": 1})
    async with _watching(hub, hub.order(order)) as watched:
        await watched.count(1, within_s=0.5)
        await shop.cancel(order)
        await watched.count(2, within_s=2)


async def test_a_change_is_delivered_once_although_the_log_is_read_after_the_notification(
    db: Database, hub: LiveHub
) -> None:
    order = uuid4()
    async with _watching(hub, hub.order(order)) as watched, _watching(hub, hub.shipments()) as changes:
        await watched.count(1, within_s=0.5)
        async with db.transaction() as tx:
            await _log(tx.conn, order, 1)
        hub.notify(Changes({order}))
        hub.notify(Changes({order}))
        await asyncio.sleep(2.5)
        assert len(watched.taken) == 2
        assert changes.taken == [ShipmentChange(order, 1, frozenset({"PENDING"}))]


async def test_close_changes_merge_and_other_orders_wake_nobody(db: Database, hub: LiveHub) -> None:
    order, other = uuid4(), uuid4()
    async with _watching(hub, hub.order(order)) as watched:
        await watched.count(1, within_s=0.5)
        for seq in range(1, 21):
            async with db.transaction() as tx:
                await _log(tx.conn, other, seq)
            hub.notify(Changes({other}))
        await asyncio.sleep(1.5)
        assert len(watched.taken) == 1
        async with db.transaction() as tx:
            for seq in range(1, 21):
                await _log(tx.conn, order, seq)
        hub.notify(Changes({order}))
        await asyncio.sleep(1.5)
        assert len(watched.taken) == 2


async def test_every_change_of_a_shipment_is_delivered_with_its_statuses(shop: ShopUnderTest, hub: LiveHub) -> None:
    await shop.stock_up({"pen": {"east": 1, "west": 1}})
    async with _watching(hub, hub.shipments()) as watched:
        order = await shop.place({"pen": 2})
        await shop.run()
        await shop.dispatch(order, 2)
        events = await shop.rows("SELECT subject FROM order_events WHERE subject LIKE 'shipment/%'")
        await watched.count(len(events) + 2, within_s=2)
    assert {change.number for change in watched.taken[:2]} == {1, 2}
    assert {change.statuses for change in watched.taken[:2]} == {frozenset({"PENDING"})}
    assert watched.taken[-1] == ShipmentChange(order, 2, frozenset({"BOOKED", "DISPATCHED"}))
    assert len(watched.taken) == len(events) + 2


async def test_a_late_commit_is_not_missed(db: Database, hub: LiveHub) -> None:
    late, early = uuid4(), uuid4()
    async with _watching(hub, hub.shipments()) as watched:
        async with db.transaction() as slow:
            await _log(slow.conn, late, 1)
            async with db.transaction() as tx:
                await _log(tx.conn, early, 1)
            await asyncio.sleep(2.2)
            hub.notify(Changes({early}))
            await watched.count(1, within_s=1)
        await watched.count(2, within_s=2)
    assert [change.order_id for change in watched.taken] == [early, late]


async def test_a_notification_is_processed_although_an_older_transaction_is_open(
    db: Database, hub: LiveHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "REREAD_EVERY_S", 0.0)
    order = uuid4()
    async with _watching(hub, hub.order(order)) as watched, db.transaction() as slow:
        await watched.count(1, within_s=0.5)
        await _log(slow.conn, uuid4(), 1)
        async with db.transaction() as tx:
            await _log(tx.conn, order, 1)
        hub.notify(Changes({order}))
        await watched.count(2, within_s=0.5)
        await asyncio.sleep(0.2)
        assert len(watched.taken) == 2


async def test_orders_tracked_beyond_the_watermark_are_bounded(
    db: Database, hub: LiveHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MAX_TRACKED_ORDERS", 3)
    async with _watching(hub, hub.shipments()) as watched, db.transaction() as slow:
        await _log(slow.conn, uuid4(), 1)
        for _ in range(10):
            order = uuid4()
            async with db.transaction() as tx:
                await _log(tx.conn, order, 1)
            hub.notify(Changes({order}))
        await watched.count(10, within_s=2)
        assert len(hub._delivered) <= 3


async def test_an_order_s_events_arrive_in_order_although_its_transactions_started_in_another(
    db: Database, hub: LiveHub
) -> None:
    order = uuid4()
    async with _watching(hub, hub.shipments()) as watched:
        async with db.transaction() as second:
            await second.conn.execute(text("SELECT pg_current_xact_id()"))
            async with db.transaction() as first:
                await _log(first.conn, order, 1)
            await _log(second.conn, order, 2)
        await watched.count(2, within_s=2)
    assert [change.number for change in watched.taken] == [1, 2]


async def test_under_load_each_event_is_delivered_once_and_in_order(
    db: Database, hub: LiveHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Concurrent writers that commit late, roll back and lose half of their notifications; pages of minimal size."""
    monkeypatch.setattr(live, "REREAD_EVERY_S", 0.05)
    monkeypatch.setattr(live, "_TRANSACTIONS_AT_ONCE", 2)
    monkeypatch.setattr(live, "_ORDERS_AT_ONCE", 2)
    orders = [uuid4() for _ in range(5)]
    written: dict[UUID, int] = defaultdict(int)
    locks: dict[UUID, asyncio.Lock] = defaultdict(asyncio.Lock)
    chance = random.Random(4711)

    async def write() -> None:
        for _ in range(25):
            order = chance.choice(orders)
            async with db.engine.connect() as conn:
                if chance.random() < 0.5:
                    await conn.execute(text("SELECT pg_current_xact_id()"))  # an older transaction than its place
                    await asyncio.sleep(chance.random() / 100)
                async with locks[order]:  # stands for the order's lock
                    await _log(conn, order, written[order] + 1)
                    await asyncio.sleep(chance.random() / 100)
                    if chance.random() < 0.2:
                        await conn.rollback()
                        continue
                    await conn.commit()
                    written[order] += 1
            if chance.random() < 0.5:
                hub.notify(Changes({order}))

    async with _watching(hub, hub.shipments()) as watched:
        await asyncio.gather(*(write() for _ in range(4)))
        await watched.count(sum(written.values()), within_s=5)
        await asyncio.sleep(0.3)
    told: dict[UUID, list[int]] = defaultdict(list)
    for change in watched.taken:
        told[change.order_id].append(change.number)
    assert told == {order: list(range(1, count + 1)) for order, count in written.items()}


async def test_a_subscriber_that_falls_behind_gets_an_error_and_no_gaps(
    db: Database, hub: LiveHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MAX_INBOX", 3)
    order = uuid4()
    changes = hub.shipments()
    first = asyncio.create_task(anext(changes))
    await until(lambda: hub.subscribers == 1)
    async with db.transaction() as tx:
        await _log(tx.conn, order, 1)
    hub.notify(Changes({order}))
    assert (await first).number == 1
    async with db.transaction() as tx:
        for seq in range(2, 7):
            await _log(tx.conn, order, seq)
    hub.notify(Changes({order}))
    await asyncio.sleep(1.5)
    with pytest.raises(GraphQLError) as lagging:
        await anext(changes)
    assert lagging.value.extensions == {"code": "UNAVAILABLE"}
    assert hub.subscribers == 0


@pytest.mark.parametrize("notified", [True, False])
async def test_fraud_settings_are_delivered_at_once_and_after_a_change(
    shop: ShopUnderTest, hub: LiveHub, notified: bool
) -> None:
    async with _watching(hub, hub.fraud_settings()) as watched:
        await watched.count(1, within_s=0.5)
        async with shop.db.transaction() as tx:
            await fraud.set_spending_limit(tx, MANAGER, 4711, "USD")
        if notified:
            hub.notify(Changes(topics={"fraud_settings"}))
        await watched.count(2, within_s=0.5 if notified else 2)
        await asyncio.sleep(1.5)
        assert len(watched.taken) == 2


async def test_a_note_is_heard_of_even_if_its_notification_is_lost(shop: ShopUnderTest, hub: LiveHub) -> None:
    await shop.stock_up({"tea": {"north": 9}})
    order = await shop.place({"tea": 1})
    async with aclosing(hub.notes(order)) as changes:
        await asyncio.wait_for(anext(changes), 1)
        for notified in (True, False):
            async with shop.db.transaction() as tx:
                await notes.add_note(tx, MANAGER, order, "Called")
            if notified:
                hub.notify(Changes(topics={"order_notes"}))
            await asyncio.wait_for(anext(changes), 5)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(changes), 1.5)


async def test_without_subscribers_nothing_is_read(database_url: str) -> None:
    statements = 0
    async with _hub(database_url) as hub:

        def count(*_: Any) -> None:
            nonlocal statements
            statements += 1

        event.listen(hub._db.engine.sync_engine, "before_cursor_execute", count)
        async with _watching(hub, hub.order(uuid4())):
            await asyncio.sleep(1.2)
        assert statements >= 2
        await asyncio.sleep(1.2)  # the second under way when the last one left
        before = statements
        hub.notify(Changes({uuid4()}))
        await asyncio.sleep(1.5)
        assert statements == before


async def test_the_hub_survives_the_loss_of_its_connections(db: Database, hub: LiveHub) -> None:
    order = uuid4()
    async with _watching(hub, hub.shipments()) as watched:
        async with db.transaction() as tx:
            await _log(tx.conn, order, 1)
        await _cut_off(hub, db)
        async with db.transaction() as tx:
            await _log(tx.conn, order, 2)
        hub.notify(Changes({order}))
        await watched.count(2, within_s=5)
    assert [change.number for change in watched.taken] == [1, 2]


async def _cut_off(hub: LiveHub, db: Database) -> None:
    """Terminates all connections of the hub."""
    async with AsyncExitStack() as held:
        connections = [await held.enter_async_context(hub._db.reading()) for _ in range(4)]
        pids = [(await conn.execute(text("SELECT pg_backend_pid()"))).scalar_one() for conn in connections]
    async with db.reading() as conn:
        await conn.execute(
            text("SELECT pg_terminate_backend(pid) FROM unnest(CAST(:p AS int[])) AS t(pid)"), {"p": pids}
        )


async def test_an_event_lists_each_shipment_that_it_opened(shop: ShopUnderTest) -> None:
    await shop.stock_up({"pen": {"east": 1, "west": 1}})
    order = await shop.place({"pen": 2})
    await shop.run()
    async with shop.db.reading() as conn:
        events = await event_log.new_events(conn, {order: 1}, 0)
    opened = list(events[0].shipment_changes())
    assert opened == [ShipmentChange(order, number, frozenset({"PENDING"})) for number in (1, 2)]
    assert not any(list(e.shipment_changes()) for e in events if e.shipment is None and e is not events[0])


class _Received:
    """The notifications received over Redis, in the background."""

    def __init__(self, redis_url: str) -> None:
        self.changes: list[Changes] = []
        self.connections = 0
        self.pulse = Pulse(SILENT_S)
        self._redis_url = redis_url
        self._task = supervised("notifications", self._listen, self.pulse)

    async def _listen(self) -> None:
        await listen_for_notifications(
            self._redis_url, self.changes.append, missed=self._connected, heard=self.pulse.beat
        )

    def _connected(self) -> None:
        self.connections += 1

    async def stop(self) -> None:
        assert not self._task.done()
        await cancelled([self._task])


@asynccontextmanager
async def _receiving(redis_url: str) -> AsyncIterator[_Received]:
    received = _Received(redis_url)
    try:
        await until(lambda: received.connections == 1)
        yield received
    finally:
        await received.stop()


async def test_notifications_arrive_and_malformed_ones_are_ignored(redis_url: str) -> None:
    order = uuid4()
    async with _receiving(redis_url) as received:
        redis = connect(redis_url)
        for nonsense in (
            b"{",
            b"[]",
            b'{"subjects": [1], "topics": []}',
            b'{"subjects": ["x"], "topics": []}',
            b"\xff",
        ):
            await redis.publish(CHANNEL, nonsense)
        await redis.aclose()
        notifier = Notifier(redis_url)
        notifier.notify(Changes({order}, {"fraud_settings"}))
        await until(lambda: bool(received.changes) and bool(received.changes[-1]))
        await notifier.close()
        assert [changes for changes in received.changes if changes] == [Changes({order}, {"fraud_settings"})]


async def test_notifications_close_together_are_merged(redis_url: str) -> None:
    orders = [uuid4() for _ in range(30)]
    async with _receiving(redis_url) as received:
        notifier = Notifier(redis_url)
        notifier.notify(Changes({orders[0]}))
        await until(lambda: bool(received.changes))
        for order in orders[1:]:
            notifier.notify(Changes({order}))
            await asyncio.sleep(0)
        await until(lambda: set().union(*(changes.subjects for changes in received.changes)) == set(orders))
        await notifier.close()
        assert [changes.subjects for changes in received.changes[:1]] == [{orders[0]}]
        assert len(received.changes) <= 3


async def test_after_a_connection_died_silently_notifications_arrive_again(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither side is told, as when a firewall forgets a connection: only the missing answers to pings show it."""
    monkeypatch.setattr(listener, "PING_EVERY_S", 0.1)
    monkeypatch.setattr(f"{__name__}.SILENT_S", 0.5)
    address = urlsplit(redis_url)
    link = Link(lambda: [address.port or 6379])
    await link.open()
    over_link = address._replace(netloc=address.netloc.replace(f":{address.port}", f":{link.port}")).geturl()
    async with _receiving(over_link) as received:
        assert received.pulse.is_alive
        link.hold()
        await until(lambda: not received.pulse.is_alive)
        link.abandon()
        await until(lambda: received.connections == 2)
        notifier = Notifier(redis_url)
        notifier.notify(Changes({uuid4()}))
        await until(lambda: bool(received.changes))
        await notifier.close()
        assert received.pulse.is_alive
    link.close()


async def test_after_a_restart_of_redis_notifications_arrive_again(open_dir: Path, database_url: str) -> None:
    with Engines(open_dir / "restarted", durable=False, database_url=database_url) as engines:
        [valkey] = engines.servers
        async with _receiving(engines.redis_url) as received:
            await asyncio.to_thread(valkey.stop)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(valkey.start)
            await until(lambda: received.connections >= 2)
            notifier = Notifier(engines.redis_url)
            notifier.notify(Changes({uuid4()}))
            await until(lambda: bool(received.changes))
            await notifier.close()
