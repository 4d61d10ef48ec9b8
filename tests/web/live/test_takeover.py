"""Live changes go on when the database crashes, or when another server takes over that lacks the last transactions."""

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy.engine import make_url

from oms.platform.db import Database, Statement
from oms.platform.grants import address_of
from oms.platform.migrations import migrate
from oms.platform.tasks import cancelled, supervised
from oms.tools.dev_services.embedded import Engines
from oms.web.live.hub import LiveHub
from tests.system.faults.link import HOST, Link
from tests.web.conftest import until

EVENT = Statement(
    """
    INSERT INTO order_events (order_id, seq, at, type, actor, subject, data)
    VALUES (CAST(:order AS uuid), CAST(:seq AS int), clock_timestamp(), 'Allocated', 'test', '',
            jsonb_build_object('shipments', jsonb_build_array(jsonb_build_object('shipment', CAST(:seq AS int)))))
    """
)
BURNT = 300


class _Shop:
    """One order, whose events open one shipment each, and a hub that is never notified."""

    def __init__(self, url: str) -> None:
        self.order = uuid4()
        self.seen: list[tuple[UUID, int]] = []
        self._db = Database(url, pool_size=2, notify=lambda _: None, timeout_s=10)
        self._hub = LiveHub(self._db)

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        tasks = [supervised("hub", self._hub.follow), supervised("watcher", self._watch)]
        await until(lambda: self._hub.subscribers == 1)
        try:
            yield
        finally:
            await cancelled(tasks)
            await self._db.close()

    async def _watch(self) -> None:
        async with aclosing(self._hub.shipments()) as changes:
            async for change in changes:
                self.seen.append((change.order_id, change.number))

    async def commit(self, seq: int) -> None:
        async def is_committed() -> bool:
            try:
                async with self._db.transaction() as tx:
                    await tx.run(EVENT, order=self.order, seq=seq)
            except Exception:  # noqa: BLE001 - connections to the lost server
                return False
            return True

        await until(is_committed, within_s=30)

    async def burn(self) -> None:
        """Transactions that take a number and leave nothing on the disk."""
        for _ in range(BURNT):
            async with self._db.engine.connect() as conn:
                await conn.exec_driver_sql("SELECT pg_current_xact_id()")
                await conn.rollback()
        await asyncio.sleep(2.5)  # until the hub has read the log at least twice

    async def until_seen(self, *numbers: int) -> None:
        await until(lambda: {(self.order, number) for number in numbers} <= set(self.seen), within_s=30)


async def test_changes_arrive_after_a_crash_that_gives_transaction_numbers_again(
    open_dir: Path, redis_url: str
) -> None:
    with Engines(open_dir / "crashed", redis_url=redis_url) as engines:
        await asyncio.to_thread(migrate, engines.owner_url)
        owner = await asyncpg.connect(address_of(engines.owner_url))
        await owner.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
        await owner.execute("SELECT pg_reload_conf()")
        [postgres] = engines.servers
        shop = _Shop(engines.database_url)
        async with shop.watched():
            await shop.commit(1)
            await shop.until_seen(1)
            await shop.burn()
            before = await owner.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
            owner.terminate()
            postgres.process.send_signal(signal.SIGQUIT)
            postgres.process.wait(30)
            postgres.start()
            await shop.commit(2)
            await shop.until_seen(2)
            again = await asyncpg.connect(address_of(engines.owner_url))
            assert await again.fetchval("SELECT max(transaction) FROM order_events") < before  # a number given again
            await again.close()
    shutil.rmtree(open_dir / "crashed")


async def test_changes_arrive_after_a_fail_over_to_a_server_that_lacks_the_last_transactions(
    open_dir: Path, redis_url: str
) -> None:
    lost, standby = open_dir / "lost", open_dir / "standby"
    with Engines(lost, redis_url=redis_url) as engines:
        await asyncio.to_thread(migrate, engines.owner_url)
    shutil.copytree(lost, standby, symlinks=True)
    _own(lost, standby)
    with (standby / "postgres" / "postgresql.auto.conf").open("a") as settings:
        settings.write("restore_command = 'false'\n")
    signal_file = standby / "postgres" / "recovery.signal"
    signal_file.touch()
    shutil.chown(signal_file, (standby / "postgres").stat().st_uid, (standby / "postgres").stat().st_gid)
    with Engines(lost, redis_url=redis_url) as first:
        ports = [make_url(first.database_url).port or 0]
        link = Link(lambda: ports)
        await link.open()
        over_link = make_url(first.database_url).set(host=HOST, port=link.port)
        shop = _Shop(over_link.render_as_string(hide_password=False))
        async with shop.watched():
            for seq in range(1, 30):
                await shop.commit(seq)
            await shop.until_seen(*range(1, 30))
            await shop.burn()
            first.servers[0].process.send_signal(signal.SIGQUIT)
            first.servers[0].process.wait(30)
            shop.seen.clear()
            with Engines(standby, redis_url=redis_url) as second:
                ports[:] = [make_url(second.database_url).port or 0]
                await shop.commit(1)
                await shop.commit(2)
                await shop.until_seen(1, 2)
                link.close()
    for folder in (lost, standby):
        shutil.rmtree(folder)


def _own(model: Path, copy: Path) -> None:
    """As root, gives each file of the copy the owner of its model."""
    for path in [copy, *copy.rglob("*")]:
        owner = (model / path.relative_to(copy)).lstat()
        shutil.chown(path, owner.st_uid, owner.st_gid)
