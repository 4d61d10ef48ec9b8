"""Which exceptions are outages, as the driver, SQLAlchemy and the event loop really raise them."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
import redis.exceptions
import uvloop
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from structlog.testing import capture_logs

from oms.platform.db import Database, Statement
from oms.platform.faults.outages import OutcomeUnknown, is_connection_lost, is_outage
from oms.platform.migrations import require_ready
from tests.platform.refusing_postgres import REFUSALS, refusing
from tests.system.faults.link import HOST, Link
from tests.web.conftest import until

ONE = Statement("SELECT 1")


async def _by_driver(db: Database) -> None:
    await db.rows(ONE)


async def _by_sqlalchemy(db: Database) -> None:
    async with db.reading() as conn:
        await conn.execute(text("SELECT 1"))


async def _in_transaction(db: Database) -> None:
    async with db.transaction() as tx:
        await tx.rows(ONE)


WAYS = [_by_driver, _by_sqlalchemy, _in_transaction]
Way = Callable[[Database], Awaitable[None]]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", REFUSALS)
async def test_a_server_that_refuses_connections_is_an_outage(kind: str, way: Way) -> None:
    async with refusing(REFUSALS[kind]) as port:
        db = Database(f"postgresql://user@127.0.0.1:{port}/oms", pool_size=1, notify=lambda _: None)
        with pytest.raises(Exception) as raised:  # noqa: PT011 - its class is what differs
            await way(db)
        await db.close()
    assert is_outage(raised.value), repr(raised.value)


@pytest.mark.parametrize("way", WAYS)
def test_a_transport_that_was_closed_is_an_outage_and_replaced(database_url: str, way: Way) -> None:
    """RuntimeError of uvloop, when asyncpg writes to it before it learned of the loss."""

    async def lose() -> Exception:
        db = Database(database_url, pool_size=1, notify=lambda _: None)
        try:
            async with db.reading() as conn:
                held = (await conn.get_raw_connection()).driver_connection
                assert held
            held._transport.abort()
            try:
                await way(db)
            except Exception as error:  # noqa: BLE001 - it is what is examined
                await db.rows(ONE)
                return error
            raise AssertionError("the connection was not lost")
        finally:
            await db.close()

    error = uvloop.run(lose())
    assert is_outage(error), repr(error)
    assert is_connection_lost(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(
            "unable to perform operation on <TCPTransport closed=True reading=False 0x1>; the handler is closed"
        ),
        ConnectionRefusedError(),
        TimeoutError(),
        NoConnectionFree(),
        OutcomeUnknown(),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.TooManyConnectionsError("remaining connection slots are reserved"),
        asyncpg.DiskFullError("No space left on device"),
        asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT in a read-only transaction"),
        redis.exceptions.ConnectionError(),
        ExceptionGroup("both", [TimeoutError(), asyncpg.AdminShutdownError("terminating connection")]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_ends_by_waiting_is_an_outage(error: Exception) -> None:
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("dictionary changed size during iteration"),
        ValueError("the handler is closed"),
        asyncpg.UniqueViolationError("duplicate key"),
        asyncpg.exceptions._base.DataError("invalid input for query argument $1"),
        ExceptionGroup("one of them", [TimeoutError(), KeyError("a bug")]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_bug_is_none(error: Exception) -> None:
    assert not is_outage(error)


async def test_a_value_that_the_driver_cannot_send_is_a_bug(database_url: str) -> None:
    """Told as an outage, it would be tried for ever."""
    db = Database(database_url, pool_size=1, notify=lambda _: None)
    with pytest.raises(DBAPIError) as raised:
        await db.rows(Statement("SELECT CAST(:number AS int)"), number=2**40)
    await db.close()
    assert not is_outage(raised.value)


async def test_a_lost_connection_is_discarded_without_a_rollback(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    db = Database(database_url, pool_size=1, notify=lambda _: None)

    async def lose() -> None:
        async with db.transaction() as tx:
            tx.driver.adapter.driver_connection._transport.abort()
            await asyncio.sleep(0.05)
            await tx.rows(ONE)

    with pytest.raises(Exception) as raised:  # noqa: PT011 - its class depends on the event loop
        await lose()
    assert is_outage(raised.value)
    await db.rows(ONE)
    await db.close()
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_process_waits_at_its_start_for_a_server_that_accepts_no_connection_yet(database_url: str) -> None:
    address = make_url(database_url)
    async with refusing(REFUSALS["full"]) as full:
        ports = [full]
        link = Link(lambda: ports)
        await link.open()
        over_link = address.set(host=HOST, port=link.port).render_as_string(hide_password=False)
        with capture_logs() as logs:
            starting = asyncio.create_task(asyncio.to_thread(require_ready, over_link))
            await until(lambda: len(logs) >= 1, within_s=20)
            assert not starting.done()
            ports[:] = [address.port or 0]
            await starting
        assert "waiting" in logs[0]["event"]
        link.close()
