"""PostgreSQL: one engine a process, transactions that ring after they commit, reads that need none."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import MetaData, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

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


@dataclass(slots=True)
class Tx:
    """A transaction in progress. `news` is rung out once it has committed, and forgotten when it rolls back."""

    conn: AsyncConnection
    news: News = field(default_factory=News)

    async def clock(self) -> datetime:
        """The database's clock now, UTC; ask after taking locks, so that what comes later is later."""
        now: datetime = (await self.conn.execute(_CLOCK)).scalar_one()
        return now


_CLOCK: Final = text("SELECT clock_timestamp()")


class OutcomeUnknown(Exception):
    """The database was lost during a commit: what was to be saved is saved as a whole or not at all, but which?

    The same command given again finds out, and is carried out once.
    """


class Database:
    """Connections of one process. `ring` is called with the news of every committed transaction; it must not fail.

    `timeout_s`: so long a statement is waited for, and a transaction in which nothing is asked is left open. Without
    it a way to the database that was lost without a word would be waited on for ever, and a process that stands still
    would keep its locks.
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
            connect_args=_bounded(timeout_s) if timeout_s else {},
        )
        self._reading = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._ring = ring

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """Commits when the block ends, rolls back when it raises. Raises OutcomeUnknown."""
        async with self.engine.connect() as conn, _given_up_if_silent(conn):
            tx = Tx(conn)
            yield tx
            await _commit(conn)
        if tx.news:
            self._ring(tx.news)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Single statements, each on its own: no transaction is opened, which costs a third less."""
        async with self._reading.connect() as conn, _given_up_if_silent(conn):
            yield conn

    async def close(self) -> None:
        await self.engine.dispose()


def _bounded(timeout_s: float) -> dict[str, Any]:
    """What asyncpg and, for its side of the connection, PostgreSQL are told."""
    idle_ms = f"{timeout_s * 1000:.0f}"
    return {
        "timeout": timeout_s,
        "command_timeout": timeout_s,
        "server_settings": {"idle_in_transaction_session_timeout": idle_ms},
    }


@asynccontextmanager
async def _given_up_if_silent(conn: AsyncConnection) -> AsyncIterator[None]:
    """A connection on which nothing is answered any more is not asked for a rollback either."""
    try:
        yield
    except TimeoutError:
        await conn.invalidate()
        raise
    except DBAPIError as error:
        if _is_broken_off(error):
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
