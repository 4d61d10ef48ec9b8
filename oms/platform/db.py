"""PostgreSQL: one engine a process, transactions that ring after they commit, reads that need none."""

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
from sqlalchemy import MetaData
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    }
)
"""Every table; each stands in the store of the concept it belongs to."""


@dataclass(slots=True)
class News:
    """What a transaction changed that others wait for: ids only, told after the commit."""

    orders: set[UUID] = field(default_factory=set)
    queues: set[str] = field(default_factory=set)
    fraud_settings: bool = False

    def __bool__(self) -> bool:
        return bool(self.orders or self.queues or self.fraud_settings)


class Statement:
    """SQL in which values are named, `:like_this`, made ready for the driver once.

    It goes past SQLAlchemy, whose way costs three times what asyncpg's own does: what is asked for every order goes by
    this, everything else does not. Values of jsonb go as text and come as what they say.
    """

    __slots__ = ("_names", "sql", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._names = tuple(dict.fromkeys(_NAMED.findall(text)))
        self.sql = _NAMED.sub(lambda found: f"${self._names.index(found[1]) + 1}", text)

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """By their places. Raises KeyError where one is missing."""
        return [values[name] for name in self._names]


_NAMED: Final = re.compile(r"(?<!:):([a-z_]+)")


def columns(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """Rows as one array for each name, for a statement that unnests them: many rows are written by one statement."""
    return dict(zip(names, zip(*rows, strict=True) if rows else ((),) * len(names), strict=True))


@lru_cache(maxsize=1024)
def statement(text: str) -> Statement:
    """For what is put together from parts: the same text gives the same statement again."""
    return Statement(text)


Row: TypeAlias = "asyncpg.Record | Sequence[Any]"
"""Values by their places: a row, or a part of one."""


@dataclass(slots=True)
class Tx:
    """A transaction in progress. `news` is rung out once it has committed, and forgotten when it rolls back.

    `conn` and `driver` are the same connection.
    """

    conn: AsyncConnection
    driver: "Driver"
    news: News = field(default_factory=News)

    async def rows(self, statement: Statement, **values: Any) -> list[asyncpg.Record]:
        return await self.driver.fetch(statement, values)

    async def run(self, statement: Statement, **values: Any) -> int:
        """How many rows it changed."""
        return await self.driver.execute(statement, values)

    async def clock(self) -> datetime:
        """The database's clock now, UTC; ask after taking locks, so that what comes later is later."""
        now: datetime = (await self.rows(_CLOCK))[0][0]
        return now


_CLOCK: Final = Statement("SELECT clock_timestamp()")


@dataclass(frozen=True, slots=True)
class Driver:
    """asyncpg's connection below SQLAlchemy's. What goes wrong is raised as SQLAlchemy would."""

    adapter: AsyncAdapt_asyncpg_connection

    async def begin(self) -> None:
        """SQLAlchemy begins a transaction before its first statement only: ours may come first."""
        try:
            # It has no other way to begin at once.
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
            self.adapter._handle_exception(error)  # noqa: SLF001 - it knows what asyncpg's errors are to SQLAlchemy
        except Exception as translated:  # noqa: BLE001 - it does nothing but raise, and what is raised is told
            return self._as_sqlalchemy(translated, statement.text)

    def _as_sqlalchemy(self, error: Exception, statement: str) -> Exception:
        is_lost, base = self._connection.is_closed(), self.adapter.dbapi.Error
        return DBAPIError.instance(statement, None, error, base, hide_parameters=True, connection_invalidated=is_lost)


class OutcomeUnknown(Exception):
    """The database was lost during a commit: what was to be saved is saved as a whole or not at all, but which?

    The same command given again finds out, and is carried out once.
    """


class Database:
    """Connections of one process. `ring` is called with the news of every committed transaction; it must not fail.

    `timeout_s`: so long a statement is waited for, and a transaction in which nothing is asked is left open; as a whole
    it may take three times as long. Without it a way to the database that was lost without a word would be waited on
    for ever, and a process that stands still, or whose host is gone, would keep its locks.
    """

    def __init__(
        self, url: str, *, pool_size: int, ring: Callable[[News], None], timeout_s: float | None = None
    ) -> None:
        self.engine: AsyncEngine = create_async_engine(
            async_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=30,
            pool_pre_ping=False,
            hide_parameters=True,
            json_deserializer=orjson.loads,
            connect_args=_told_at_first(timeout_s),
        )
        self._reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._ring = ring

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """Commits when the block ends, rolls back when it raises. Raises OutcomeUnknown."""
        async with self.engine.connect() as conn, _given_up_if_silent(conn):
            tx = Tx(conn, await _begun(conn))
            yield tx
            await _commit(conn)
        if tx.news:
            self._ring(tx.news)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Single statements, each on its own: no transaction is opened, which costs a third less."""
        async with self._reading.connect() as conn, _given_up_if_silent(conn):
            yield conn

    async def rows(self, statement: Statement, **values: Any) -> list[asyncpg.Record]:
        """One statement by itself, the cheapest way to read: no transaction, a connection straight from the pool."""
        return await self._read(lambda driver: driver.fetch(statement, values))

    async def rows_planned_anew(self, statement: Statement, **values: Any) -> list[asyncpg.Record]:
        """The same, planned for these values each time: where they decide which index serves.

        Of a statement that comes again PostgreSQL may keep a plan for any values. That it must not can only be told to
        a connection, which costs two turns to it: half of what a transaction for SET LOCAL does.
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
            # Whatever it was, also that nobody waits any more: what may still come on it is not for the next one.
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
"""Our statements ask for few rows by their keys: whatever the statistics, they are served by indexes and nested loops.

Left to itself PostgreSQL reads whole tables that it believes to be small: in a shop that has just opened, until
somebody gathers statistics, and for longer where a connection keeps the plans of its first minute
(tests/system/plans). And it plans a statement with an array of keys anew each time, for it takes ten of them to be
dearer than the one that it is given: an order in detail took 230 µs of its CPU instead of 60. What depends on values
asks by `rows_planned_anew`.
"""


def _told_at_first(timeout_s: float | None) -> dict[str, Any]:
    """What asyncpg and, for its side of the connection, PostgreSQL are told when one is opened."""
    if timeout_s is None:
        return {"server_settings": _BY_KEYS}
    timeout_ms = timeout_s * 1000
    bounds = {
        "idle_in_transaction_session_timeout": f"{timeout_ms:.0f}",
        # Who is lost, or stands still, between two messages of one question does not count as idle: the question is
        # still being asked, and would hold its locks for ever.
        "transaction_timeout": f"{_LONGEST_TRANSACTION * timeout_ms:.0f}",
        "tcp_user_timeout": f"{timeout_ms:.0f}",
        "tcp_keepalives_idle": f"{math.ceil(timeout_s / 2)}",
        "tcp_keepalives_interval": f"{math.ceil(timeout_s / 6)}",
        "tcp_keepalives_count": "3",
    }
    return {"timeout": timeout_s, "command_timeout": timeout_s, "server_settings": _BY_KEYS | bounds}


_LONGEST_TRANSACTION: Final = 3
"""Times the timeout: several statements may wait for long, one after the other."""


@asynccontextmanager
async def _given_up_if_silent(conn: AsyncConnection) -> AsyncIterator[None]:
    """A connection on which nothing is answered any more is not asked for a rollback either."""
    try:
        yield
    except TimeoutError:
        await conn.invalidate()
        raise
    except DBAPIError as error:
        if error.connection_invalidated or _is_broken_off(error):
            await conn.invalidate()
        raise


def _is_broken_off(error: DBAPIError) -> bool:
    """Whether the server spoke when the driver expected nothing: it ended the connection while nobody listened."""
    return isinstance(getattr(error.orig, "__cause__", None), asyncpg.InternalClientError)


async def _commit(conn: AsyncConnection) -> None:
    try:
        await conn.commit()
    except (DBAPIError, OSError) as error:
        if is_outage(error):
            raise OutcomeUnknown from error
        raise


def is_outage(error: BaseException) -> bool:
    """Whether trying again later may help: PostgreSQL can't be reached, went away, or has no connection free."""
    if isinstance(error, DBAPIError):
        state = str(getattr(error.orig, "sqlstate", None) or "")
        is_lost = error.connection_invalidated or isinstance(error, InterfaceError) or _is_broken_off(error)
        return is_lost or state.startswith(_AWAY)
    return isinstance(error, OSError | NoConnectionFree | OutcomeUnknown)


def is_outage_throughout(error: BaseException) -> bool:
    """The same of an exception that may be a group: each of its parts is one."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_outage_throughout(part) for part in error.exceptions)
    return is_outage(error)


def outage_told(error: BaseException) -> str:
    """What a caller is told of an outage, and what to do."""
    if isinstance(error, OutcomeUnknown):
        return (
            "The database was lost while this was being saved, so it may be done or not. Send the same again, with the "
            "same reference or Idempotency-Key: it is done once, and the answer tells."
        )
    return "The database can't be reached just now; try again soon."


_AWAY: Final = ("08", "53", "57P")
"""SQLSTATE: connection exceptions, insufficient resources, shutting down or starting."""


def async_url(url: str) -> str:
    """Names the driver: `postgresql://` alone would mean another one."""
    return make_url(url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
