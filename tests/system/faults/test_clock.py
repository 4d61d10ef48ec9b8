"""The database host's clock is set back and forth by an hour while a worker runs: nothing is lost, doubled or late.

New connections see a shifted clock: functions of the same names precede PostgreSQL's own.
"""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.engine import make_url

from oms.domain.work import store as work_store
from oms.platform.db import Database
from oms.providers.sandbox.from_settings import FILE_NAME
from oms.tools.check.snapshot import run_checks
from tests.owner import owner_of
from tests.shop import ShopUnderTest, open_shop
from tests.system.faults.deployment import Program
from tests.web.conftest import until

HOUR_S = 3600
WITHIN_S = 300.0
"""Far less than the hour, far more than the work takes."""

CLOCK = (
    "CREATE SCHEMA shifted",
    "CREATE SEQUENCE shifted.seconds MINVALUE -1000000 START 0",
    *(
        f"""CREATE FUNCTION shifted.{name}() RETURNS timestamptz LANGUAGE sql {volatility} AS $$
        SELECT pg_catalog.{name}() + last_value * interval '1 second' FROM shifted.seconds $$"""
        for name, volatility in (("clock_timestamp", "VOLATILE"), ("statement_timestamp", "STABLE"), ("now", "STABLE"))
    ),
    "GRANT USAGE ON SCHEMA shifted TO PUBLIC",
    "GRANT SELECT ON SEQUENCE shifted.seconds TO PUBLIC",
)


@dataclass
class SetClock:
    """A shop whose database's clock can be set. `worker` works in it."""

    shop: ShopUnderTest
    worker: Program
    folder: Path

    async def shift(self, seconds: int) -> None:
        """Sets the clock to the true time plus so many seconds."""
        await self.shop.execute("SELECT setval('shifted.seconds', :seconds)", seconds=seconds)

    async def until_booked(self, *orders: UUID) -> None:
        unbooked = "SELECT 1 FROM orders o WHERE id = ANY(:ids) AND NOT EXISTS"
        unbooked += " (SELECT FROM shipments s WHERE s.order_id = o.id AND s.booked_at IS NOT NULL)"

        async def are_booked() -> bool:
            return not await self.shop.rows(unbooked, ids=list(orders))

        await until(are_booked, within_s=WITHIN_S)

    async def violations(self) -> list[str]:
        """Rules of `check` that do not hold."""
        owner_url = owner_of(self.shop.db.engine.url.render_as_string(hide_password=False))
        address = make_url(owner_url).set(drivername="postgresql").render_as_string(hide_password=False)
        report = await run_checks(address, self.folder / FILE_NAME)
        return [result.holds for result in report.violated]

    def pause(self) -> None:
        os.kill(self.worker.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.worker.pid, signal.SIGCONT)

    async def claim_as_dead_worker(self, queue: str) -> int:
        """Claims what is due and never finishes it. Returns how many items."""
        return len((await work_store.claim(self.shop.db, queue, limit=100, lease=timedelta(seconds=2))).items)


@pytest.fixture(scope="module")
async def clock(database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SetClock]:
    """The tests share it, as the worker takes seconds to start."""
    tmp_path = tmp_path_factory.mktemp("clock")
    async with AsyncExitStack() as stack:
        owner = Database(owner_of(database_url), pool_size=1, notify=lambda _: None)
        stack.push_async_callback(owner.close)
        name = make_url(database_url).database
        path = f"ALTER DATABASE {name}"
        await _execute(owner, *CLOCK, f"{path} SET search_path = shifted, pg_catalog, public")
        stack.push_async_callback(_execute, owner, f"{path} RESET search_path", "DROP SCHEMA shifted CASCADE")
        shop = await stack.enter_async_context(open_shop(database_url, tmp_path))
        await shop.stock_up({"MUG": {"A": 100}, "RARE": {"A": 1}})
        environment = dict(os.environ) | {
            "OMS_DATABASE_URL": database_url,
            "OMS_REDIS_URL": redis_url,
            "OMS_DATA_DIR": str(tmp_path),
            "OMS_WORK_LEASE_S": "6",
            "OMS_PROVIDER_TIMEOUT_S": "2",
            "OMS_LOG_FORMAT": "json",
        }
        worker = Program("worker", "worker", environment, tmp_path / "worker.log", 0)
        worker.start()
        stack.callback(worker.kill)
        under_test = SetClock(shop, worker, tmp_path)
        await under_test.until_booked(await shop.place({"MUG": 1}))
        yield under_test


async def _execute(owner: Database, *statements: str) -> None:
    async with owner.transaction() as tx:
        for statement in statements:
            await tx.conn.exec_driver_sql(statement)


async def test_work_goes_on_and_is_done_once_while_the_clock_is_set_forth_and_back(clock: SetClock) -> None:
    shop = clock.shop
    orders: list[UUID] = []
    for seconds in (HOUR_S, 0, -HOUR_S, 0, -HOUR_S):
        clock.pause()
        orders += [await shop.place({"MUG": 1}) for _ in range(3)]
        await clock.shift(seconds)  # the three are an hour from now if it is set back
        clock.go_on()
        orders += [await shop.place({"MUG": 1}) for _ in range(3)]
        await clock.until_booked(*orders)
        await shop.dispatch(orders[-1])
        await shop.dispatch(orders[-6])
        await shop.deliver(orders[-6])
    assert len(shop.charges()) == len(set(shop.charges())) == len(orders) + 1
    assert await clock.violations() == []


async def test_a_lease_of_a_dead_worker_and_a_retry_end_in_time_after_the_clock_was_set_back(clock: SetClock) -> None:
    shop = clock.shop
    await clock.shift(0)
    clock.pause()
    order, failing = [await shop.place({"MUG": 1}) for _ in range(2)]
    assert await clock.claim_as_dead_worker("allocation") == 2
    await shop.execute(
        "UPDATE work SET claim = NULL, leased_until = NULL, attempt = 3, due_at = due_at + interval '4 seconds'"
        " WHERE subject_id = :id",
        id=failing,
    )
    await clock.shift(-HOUR_S)
    clock.go_on()
    await clock.until_booked(order, failing)


async def test_a_worker_that_starts_after_the_clock_was_set_back_finds_what_waits(clock: SetClock) -> None:
    await clock.shift(0)
    clock.worker.kill()
    order = await clock.shop.place({"MUG": 1})
    await clock.shift(-HOUR_S)
    clock.worker.start()
    await clock.until_booked(order)


async def test_the_deadline_of_an_amended_order_stays_the_instant_that_was_promised(clock: SetClock) -> None:
    shop = clock.shop
    await clock.shift(0)
    order = await shop.place({"RARE": 2})

    async def deadlines() -> list[tuple[object, ...]]:
        return await shop.rows(
            "SELECT o.action_deadline, w.due_at FROM orders o JOIN work w ON w.subject_id = o.id WHERE o.id = :id",
            id=order,
        )

    async def waits() -> bool:
        return any(deadline for deadline, _ in await deadlines())

    await until(waits, within_s=WITHIN_S)
    before = await deadlines()
    await clock.shift(-HOUR_S)
    await clock.until_booked(await shop.place({"MUG": 1}))
    assert await deadlines() == before
    assert before[0][0] == before[0][1]


async def test_an_order_s_events_do_not_go_back_in_time(clock: SetClock) -> None:
    shop = clock.shop
    await clock.shift(0)
    order = await shop.place({"MUG": 1})
    await clock.until_booked(order)
    await clock.shift(-HOUR_S)
    await shop.dispatch(order)
    events = "SELECT at FROM order_events WHERE order_id = :id ORDER BY seq DESC LIMIT 2"
    [(dispatched_at,), (booked_at,)] = await shop.rows(events, id=order)
    assert dispatched_at == booked_at
