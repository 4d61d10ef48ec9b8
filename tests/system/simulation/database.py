"""The product's own database, which stops where the stage says, and a PostgreSQL prepared for it."""

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
from tests.system.simulation.stage import HERE, Act, Process, Stage

NAME: Final = f"oms_simulation_{os.getpid()}"
CONNECTIONS: Final = 40

# Statistics gathered in between would change plans, and with them the order of rows: a history must not depend on that.
SETTINGS: Final = {
    "search_path": "sim, pg_catalog, public",
    "deadlock_timeout": "'20ms'",
    "synchronous_commit": "off",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "timezone": "'UTC'",
}


class SteppedConnection:
    """A connection as the domain uses it: it executes."""

    def __init__(self, connection: AsyncConnection, stage: Stage, act: Act) -> None:
        self._connection = connection
        self._stage = stage
        self._act = act

    async def execute(self, *asked: Any) -> Any:
        if self._act.is_slow:
            await self._stage.pause(self._act, f"statement of {sys._getframe(1).f_code.co_name}()")
        with self._stage.flight(self._act):
            return await self._connection.execute(*asked)


class SteppedDriver:
    """The same for what goes straight to asyncpg."""

    def __init__(self, driver: Driver, stage: Stage, act: Act) -> None:
        self._driver = driver
        self._stage = stage
        self._act = act

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        await self._stop()
        with self._stage.flight(self._act):
            return await self._driver.fetch(statement, values)

    async def execute(self, statement: Statement, values: Mapping[str, Any]) -> Any:
        await self._stop()
        with self._stage.flight(self._act):
            return await self._driver.execute(statement, values)

    async def _stop(self) -> None:
        if self._act.is_slow:
            await self._stage.pause(self._act, f"statement of {sys._getframe(3).f_code.co_name}()")


class SteppedDatabase(Database):
    """Real transactions; whether one runs in one go, stops before its commit or at every statement is a choice."""

    def __init__(self, url: str) -> None:
        super().__init__(url, pool_size=CONNECTIONS, notify=self._told)
        self.stage: Stage
        self.chance: random.Random
        self.slow_share = 0.0
        self.held_share = 0.0
        self.rings: list[tuple[Process, Changes]] = []

    def _told(self, news: Changes) -> None:
        self.rings.append((HERE.get(), news))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        stage, act = self.stage, self.stage.act(_caller())
        await stage.pause(act, "begin")
        drawn = self.chance.random()
        act.is_slow = drawn < self.slow_share
        act.stops_before_commit = act.is_slow or drawn < self.slow_share + self.held_share
        manager = super().transaction()
        committed = False
        with stage.flight(act):
            tx = await manager.__aenter__()
        stage.opened(act)
        tx.conn = cast("AsyncConnection", SteppedConnection(tx.conn, stage, act))
        tx.driver = cast("Driver", SteppedDriver(tx.driver, stage, act))
        try:
            try:
                yield tx
                if act.stops_before_commit:
                    await stage.pause(act, "commit")
            except BaseException as error:
                with stage.flight(act):
                    await manager.__aexit__(type(error), error, error.__traceback__)
                raise
            with stage.flight(act):
                await manager.__aexit__(None, None, None)
            committed = True
        finally:
            stage.closed(act, committed=committed)
        if act.stops_before_commit:
            await stage.pause(act, "go on after the commit")

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """It may stop between its statements, each of which sees what was committed before it."""
        stage, act = self.stage, self.stage.act(_caller())
        await stage.pause(act, "begin to read")
        act.is_slow = self.chance.random() < self.slow_share + self.held_share
        manager = super().reading()
        with stage.flight(act):
            connection = await manager.__aenter__()
        try:
            yield cast("AsyncConnection", SteppedConnection(connection, stage, act))
        finally:
            with stage.flight(act):
                await manager.__aexit__(None, None, None)

    async def rows(self, statement: Statement, **values: Any) -> Any:
        stage, act = self.stage, self.stage.act(sys._getframe(1).f_code.co_name)
        await stage.pause(act, "read")
        with stage.flight(act):
            return await super().rows(statement, **values)


def _caller() -> str:
    """Who opened the transaction: below it stand this module's generator and contextlib."""
    return sys._getframe(3).f_code.co_name


async def _on_server(server_url: str, statement: str) -> None:
    connection = await asyncpg.connect(_address(server_url, None))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _address(server_url: str, database: str | None) -> str:
    address = make_url(server_url).set(drivername="postgresql")
    return (address.set(database=database) if database else address).render_as_string(hide_password=False)


async def _set_up(url: str) -> None:
    """Its clock and its settings, once it has been migrated."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(SCHEMA)
        for name, value in SETTINGS.items():
            await connection.execute(f"ALTER DATABASE {NAME} SET {name} = {value}")
        for (table,) in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            await connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
    finally:
        await connection.close()


def make(server_url: str, run: Callable[[Coroutine[Any, Any, None]], None]) -> str:
    """A migrated database with virtual time in this server; `run` runs a coroutine to its end. Returns its URL."""
    run(_on_server(server_url, f"CREATE DATABASE {NAME}"))
    url = _address(server_url, NAME)
    migrate(url)
    run(_set_up(url))
    return url


def drop(server_url: str, run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    run(_on_server(server_url, f"DROP DATABASE {NAME} WITH (FORCE)"))
