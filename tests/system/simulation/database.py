"""The product's own database access, paused as the scheduler says, and a PostgreSQL database prepared for it."""

import os
import random
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from oms.platform.db import Changes, Database, Driver, Statement, Tx
from oms.platform.migrations import migrate
from tests.system.simulation.clock import SCHEMA
from tests.system.simulation.scheduler import CURRENT, Activity, Process, Scheduler

NAME: Final = f"oms_simulation_{os.getpid()}"
CONNECTIONS: Final = 40

# A history must not depend on when statistics are gathered: they would change plans, and with them the order of rows.
SETTINGS: Final = {
    "search_path": "sim, pg_catalog, public",
    "deadlock_timeout": "'20ms'",
    "synchronous_commit": "off",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "timezone": "'UTC'",
}


class SteppedConnection:
    """A connection of SQLAlchemy, as far as the domain uses it."""

    def __init__(self, connection: AsyncConnection, scheduler: Scheduler, activity: Activity) -> None:
        self._connection = connection
        self._scheduler = scheduler
        self._activity = activity

    async def execute(self, *arguments: Any) -> Any:
        if self._activity.is_slow:
            await self._scheduler.pause(self._activity, f"statement of {sys._getframe(1).f_code.co_name}()")
        with self._scheduler.query(self._activity):
            return await self._connection.execute(*arguments)


class SteppedDriver:
    """The same for statements that bypass SQLAlchemy."""

    def __init__(self, driver: Driver, scheduler: Scheduler, activity: Activity) -> None:
        self._driver = driver
        self._scheduler = scheduler
        self._activity = activity

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        await self._pause()
        with self._scheduler.query(self._activity):
            return await self._driver.fetch(statement, values)

    async def execute(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        await self._pause()
        with self._scheduler.query(self._activity):
            return await self._driver.execute(statement, values)

    async def _pause(self) -> None:
        if self._activity.is_slow:
            await self._scheduler.pause(self._activity, f"statement of {sys._getframe(3).f_code.co_name}()")


class SteppedDatabase(Database):
    """Real transactions. Chance decides whether one runs at once, pauses before its commit or at every statement."""

    def __init__(self, url: str) -> None:
        super().__init__(url, pool_size=CONNECTIONS, notify=self._collect)
        self.scheduler: Scheduler
        self.chance: random.Random
        self.slow_share = 0.0
        self.late_commit_share = 0.0
        self.notifications: list[tuple[Process, Changes]] = []

    def _collect(self, changes: Changes) -> None:
        self.notifications.append((CURRENT.get(), changes))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        scheduler, activity = self.scheduler, self.scheduler.activity(_caller())
        await scheduler.pause(activity, "begin")
        drawn = self.chance.random()
        activity.is_slow = drawn < self.slow_share
        activity.pauses_before_commit = activity.is_slow or drawn < self.slow_share + self.late_commit_share
        manager = super().transaction()
        committed = False
        with scheduler.query(activity):
            tx = await manager.__aenter__()
        scheduler.opened(activity)
        tx.conn = cast("AsyncConnection", SteppedConnection(tx.conn, scheduler, activity))
        tx.driver = cast("Driver", SteppedDriver(tx.driver, scheduler, activity))
        try:
            try:
                yield tx
                if activity.pauses_before_commit:
                    await scheduler.pause(activity, "commit")
            except BaseException as error:
                with scheduler.query(activity):
                    await manager.__aexit__(type(error), error, error.__traceback__)
                raise
            with scheduler.query(activity):
                await manager.__aexit__(None, None, None)
            committed = True
        finally:
            scheduler.closed(activity, committed=committed)
        if activity.pauses_before_commit:
            await scheduler.pause(activity, "continue after the commit")

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """It may pause between its statements, each of which sees what was committed before it."""
        scheduler, activity = self.scheduler, self.scheduler.activity(_caller())
        await scheduler.pause(activity, "begin to read")
        activity.is_slow = self.chance.random() < self.slow_share + self.late_commit_share
        manager = super().reading()
        with scheduler.query(activity):
            connection = await manager.__aenter__()
        try:
            yield cast("AsyncConnection", SteppedConnection(connection, scheduler, activity))
        finally:
            with scheduler.query(activity):
                await manager.__aexit__(None, None, None)

    async def rows(self, statement: Statement, **values: Any) -> Any:
        scheduler, activity = self.scheduler, self.scheduler.activity(sys._getframe(1).f_code.co_name)
        await scheduler.pause(activity, "read")
        with scheduler.query(activity):
            return await super().rows(statement, **values)


def _caller() -> str:
    """The function that opened the transaction: between it and here are this module's generator and contextlib."""
    return sys._getframe(3).f_code.co_name


async def _on_server(server_url: str, statement: str) -> None:
    connection = await asyncpg.connect(_url(server_url, None))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _url(server_url: str, database: str | None) -> str:
    url = make_url(server_url).set(drivername="postgresql")
    return (url.set(database=database) if database else url).render_as_string(hide_password=False)


async def _prepare(url: str) -> None:
    """Adds the virtual clock and the settings to a migrated database."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(SCHEMA)
        for name, value in SETTINGS.items():
            await connection.execute(f"ALTER DATABASE {NAME} SET {name} = {value}")
        for (table,) in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            await connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
    finally:
        await connection.close()


def create(server_url: str, run: Callable[[Coroutine[Any, Any, None]], None]) -> str:
    """Creates a migrated database with virtual time and returns its URL; `run` runs a coroutine to its end."""
    run(_on_server(server_url, f"CREATE DATABASE {NAME}"))
    url = _url(server_url, NAME)
    migrate(url)
    run(_prepare(url))
    return url


def drop(server_url: str, run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    run(_on_server(server_url, f"DROP DATABASE {NAME} WITH (FORCE)"))
