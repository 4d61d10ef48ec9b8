"""PostgreSQL: one engine a process, transactions that notify after their commit, reads without transactions."""

import math
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, TypeAlias, cast
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn

from oms.platform.faults.lock_waits import LockWaits
from oms.platform.faults.outages import OutcomeUnknown, is_connection_lost, is_outage


@dataclass(slots=True)
class Changes:
    """What a transaction changed, for those who are notified after its commit.

    `subjects`: ids of aggregates with new events. `topics`: names of other things that changed, such as settings.
    `queues`: queues with work that is due now.
    """

    subjects: set[UUID] = field(default_factory=set)
    topics: set[str] = field(default_factory=set)
    queues: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.subjects or self.topics or self.queues)

    def add(self, other: "Changes") -> None:
        self.subjects |= other.subjects
        self.topics |= other.topics
        self.queues |= other.queues


class Statement:
    """SQL with named values, `:like_this`, prepared once for the driver.

    It bypasses SQLAlchemy, which costs three times as much as asyncpg: use it for the statements of every order, and
    SQLAlchemy for all others. Values of jsonb are sent as text and received as Python values.
    """

    __slots__ = ("_names", "sql", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._names = tuple(dict.fromkeys(_NAMED.findall(text)))
        self.sql = _NAMED.sub(lambda found: f"${self._names.index(found[1]) + 1}", text)

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """In the order of the placeholders. Raises KeyError if one is missing."""
        return [values[name] for name in self._names]


_NAMED: Final = re.compile(r"(?<!:):([a-z_]+)")


def columns(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Rows as one array for each name, for a statement that unnests them: one statement writes many rows."""
    return dict(zip(names, zip(*rows, strict=True) if rows else ((),) * len(names), strict=True))


@lru_cache(maxsize=1024)
def statement(text: str) -> Statement:
    """A cached Statement, for texts that are put together from parts."""
    return Statement(text)


Row: TypeAlias = "asyncpg.Record | Sequence[Any]"
"""Values by position: a row, or a part of one."""


@dataclass(slots=True)
class Tx:
    """A transaction in progress. `changes` are notified after the commit, and dropped on rollback.

    `conn` and `driver` are the same connection.
    """

    conn: AsyncConnection
    driver: "Driver"
    changes: Changes = field(default_factory=Changes)

    async def rows(self, statement: Statement, **values: Any) -> list[asyncpg.Record]:
        return await self.driver.fetch(statement, values)

    async def run(self, statement: Statement, **values: Any) -> int:
        """Returns how many rows it changed."""
        return await self.driver.execute(statement, values)

    async def clock(self) -> datetime:
        """The database's clock now, UTC. Read it after taking locks, so that later events have later instants."""
        now: datetime = (await self.rows(_CLOCK))[0][0]
        return now


_CLOCK: Final = Statement("SELECT clock_timestamp()")


@dataclass(frozen=True, slots=True)
class Driver:
    """asyncpg's connection below SQLAlchemy's. Errors are raised as SQLAlchemy raises them."""

    adapter: AsyncAdapt_asyncpg_connection

    async def begin(self) -> None:
        """Begins the transaction now; SQLAlchemy would begin it with its own first statement."""
        try:
            # There is no public method for it.
            await self.adapter._start_transaction()  # type: ignore[no-untyped-call]  # noqa: SLF001
        except self.adapter.dbapi.Error as error:
            raise self._as_sqlalchemy(error, "BEGIN") from error.__cause__

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> list[asyncpg.Record]:
        try:
            found: list[asyncpg.Record] = await self._connection.fetch(statement.sql, *statement.arguments(values))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            raise self._translated(error, statement) from error
        return found

    async def execute(self, statement: Statement, values: Mapping[str, Any]) -> int:
        try:
            status = await self._connection.execute(statement.sql, *statement.arguments(values))
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            raise self._translated(error, statement) from error
        return int(status.rpartition(" ")[2])

    @property
    def _connection(self) -> Any:
        return self.adapter.driver_connection

    def _translated(self, error: Exception, statement: Statement) -> Exception:
        try:
            self.adapter._handle_exception(error)  # noqa: SLF001 - maps asyncpg's errors to SQLAlchemy's
        except Exception as translated:  # noqa: BLE001 - it does nothing but raise
            return self._as_sqlalchemy(translated, statement.text)

    def _as_sqlalchemy(self, error: Exception, statement: str) -> Exception:
        is_lost, base = self._connection.is_closed(), self.adapter.dbapi.Error
        return DBAPIError.instance(statement, None, error, base, hide_parameters=True, connection_invalidated=is_lost)


class Database:
    """Connections of one process. `notify` receives the changes of every committed transaction; it must not fail.

    `timeout_s`: how long to wait for a statement, and how long a transaction may stay idle; a whole transaction may
    take three times as long. Without it, a connection that was lost silently would be waited for without end, and a
    process that hangs, or whose host is gone, would keep its locks.

    `lock_timeout_s`: how long a statement waits for a lock. Use it with `lock_waits`.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int,
        notify: Callable[[Changes], None],
        timeout_s: float | None = None,
        lock_timeout_s: float | None = None,
    ) -> None:
        self.engine: AsyncEngine = create_async_engine(
            async_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=30,
            pool_pre_ping=False,
            hide_parameters=True,
            json_deserializer=orjson.loads,
            connect_args=_connect_args(timeout_s, lock_timeout_s),
        )
        self._reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._notify = notify
        self.lock_waits = LockWaits()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """Commits when the block ends, rolls back when it raises. Raises OutcomeUnknown."""
        async with self.engine.connect() as conn, _discarded_if_lost(conn):
            tx = Tx(conn, await _begun(conn))
            yield tx
            await _commit(conn)
        if tx.changes:
            self._notify(tx.changes)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """For single statements in autocommit mode, which costs a third less than a transaction."""
        async with self._reading.connect() as conn, _discarded_if_lost(conn):
            yield conn

    async def rows(self, statement: Statement, **values: Any) -> list[asyncpg.Record]:
        """The result of one statement in autocommit mode: the cheapest way to read."""
        return await self._read(lambda driver: driver.fetch(statement, values))

    async def rows_planned_anew(self, statement: Statement, **values: Any) -> list[asyncpg.Record]:
        """The same, planned for these very values: use it where they decide which index is best.

        PostgreSQL may otherwise keep one generic plan. Only a setting of the connection prevents it, which costs two
        round trips: half as much as a transaction for SET LOCAL.
        """

        async def fetch(driver: Driver) -> list[asyncpg.Record]:
            await driver.fetch(_PLAN_ANEW, {})
            found = await driver.fetch(statement, values)
            await driver.fetch(_PLAN_AS_USUAL, {})
            return found

        return await self._read(fetch)

    async def _read(self, ask: Callable[[Driver], Awaitable[list[asyncpg.Record]]]) -> list[asyncpg.Record]:
        held = await greenlet_spawn(self.engine.sync_engine.raw_connection)
        try:
            found = await ask(Driver(_adapter(held)))
        except BaseException as error:
            # Also after cancellation: an answer that is still to come must not reach the next user of the connection.
            if is_connection_lost(error):
                _adapter(held).driver_connection.terminate()
            await greenlet_spawn(held.invalidate, error)
            raise
        held.close()
        return found

    async def close(self) -> None:
        await self.engine.dispose()


_PLAN_ANEW: Final = Statement("SET plan_cache_mode = force_custom_plan")
_PLAN_AS_USUAL: Final = Statement("RESET plan_cache_mode")


async def _begun(conn: AsyncConnection) -> Driver:
    """In a transaction for SQLAlchemy and for the driver."""
    await conn.begin()
    driver = Driver(_adapter(await conn.get_raw_connection()))
    await driver.begin()
    return driver


def _adapter(held: PoolProxiedConnection) -> AsyncAdapt_asyncpg_connection:
    """The connection between asyncpg's and SQLAlchemy's."""
    return cast("AsyncAdapt_asyncpg_connection", held.dbapi_connection)


_BY_KEYS: Final = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
    "enable_bitmapscan": "off",
}
"""Statements read few rows by their keys, so indexes and nested loops serve them whatever the statistics say.

Otherwise PostgreSQL scans tables that it believes to be small: in a new shop until statistics exist, and longer in
connections that keep their first plans (tests/system/plans). It would also plan statements with an array of keys anew
each time, which costs an order's details 230 µs instead of 60. Use `rows_planned_anew` where values decide.
"""


def _connect_args(timeout_s: float | None, lock_timeout_s: float | None) -> dict[str, Any]:
    """Timeouts for asyncpg and, at the other end of the connection, for PostgreSQL."""
    settings = _BY_KEYS | ({"lock_timeout": f"{lock_timeout_s * 1000:.0f}"} if lock_timeout_s else {})
    if timeout_s is None:
        return {"server_settings": settings}
    timeout_ms = timeout_s * 1000
    bounds = {
        "idle_in_transaction_session_timeout": f"{timeout_ms:.0f}",
        # A client lost in the middle of a query does not count as idle in transaction, and would keep its locks.
        "transaction_timeout": f"{_TRANSACTION_TIMEOUTS * timeout_ms:.0f}",
        "tcp_user_timeout": f"{timeout_ms:.0f}",
        "tcp_keepalives_idle": f"{math.ceil(timeout_s / 2)}",
        "tcp_keepalives_interval": f"{math.ceil(timeout_s / 6)}",
        "tcp_keepalives_count": "3",
    }
    return {"timeout": timeout_s, "command_timeout": timeout_s, "server_settings": settings | bounds}


_TRANSACTION_TIMEOUTS: Final = 3
"""How many times the timeout: several statements may wait long, one after the other."""


@asynccontextmanager
async def _discarded_if_lost(conn: AsyncConnection) -> AsyncIterator[None]:
    """Discards a connection that was closed or no longer answers, rather than to wait for its rollback."""
    try:
        yield
    except Exception as error:
        if is_connection_lost(error) and not (conn.closed or conn.invalidated):
            _adapter(await conn.get_raw_connection()).driver_connection.terminate()
            await conn.invalidate()
        raise


async def _commit(conn: AsyncConnection) -> None:
    try:
        await conn.commit()
    except Exception as error:
        if is_outage(error):
            raise OutcomeUnknown from error
        raise


def async_url(url: str) -> str:
    """With the driver's name: `postgresql://` alone would select another one."""
    return make_url(url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
