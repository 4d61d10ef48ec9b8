"""Statements that bypass SQLAlchemy: their values, their failures, and their connections afterwards."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from oms.platform.db import Database, Statement
from oms.platform.faults.outages import OutcomeUnknown, is_outage
from tests.owner import owner_of

HELLO = Statement("SELECT CAST(:word AS text) || CAST(:number AS text), CAST(:word AS text), now()::text")
PID = Statement("SELECT pg_backend_pid()")
SLEEP = Statement("SELECT pg_sleep(60)")
END = text("SELECT pg_terminate_backend(:pid)")


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    """With one connection, so that a broken one is noticed."""
    opened = Database(database_url, pool_size=1, notify=lambda _changes: None)
    yield opened
    await opened.close()


@pytest.fixture
async def other(database_url: str) -> AsyncIterator[Database]:
    opened = Database(owner_of(database_url), pool_size=1, notify=lambda _changes: None)
    yield opened
    await opened.close()


async def end(other: Database, pid: int) -> None:
    async with other.transaction() as tx:
        assert (await tx.conn.execute(END, {"pid": pid})).scalar_one()


def test_values_are_numbered_in_the_order_of_their_first_use() -> None:
    assert HELLO.sql == "SELECT CAST($1 AS text) || CAST($2 AS text), CAST($1 AS text), now()::text"
    assert HELLO.arguments({"number": 1, "word": "a"}) == ["a", 1]


async def test_statements_of_both_kinds_share_the_transaction(db: Database) -> None:
    name = Statement("SELECT set_config('oms.test', CAST(:value AS text), true)")
    async with db.transaction() as tx:
        await tx.rows(name, value="by asyncpg")
        assert (await tx.conn.execute(text("SELECT current_setting('oms.test')"))).scalar_one() == "by asyncpg"
        await tx.conn.execute(text("SELECT set_config('oms.test', 'by SQLAlchemy', true)"))
        assert [tuple(row) for row in await tx.rows(Statement("SELECT current_setting('oms.test')"))] == [
            ("by SQLAlchemy",)
        ]


async def test_writes_that_bypass_sqlalchemy_are_rolled_back_with_the_rest(db: Database) -> None:
    key = str(uuid4())
    add = Statement("INSERT INTO warehouses (code, name) VALUES (:code, :code)")

    async def fail() -> None:
        async with db.transaction() as tx:
            assert await tx.run(add, code=key) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert not await db.rows(Statement("SELECT code FROM warehouses WHERE code = :code"), code=key)


async def test_a_refused_statement_raises_sqlalchemys_error_without_its_values(db: Database) -> None:
    key = str(uuid4())
    add = Statement("INSERT INTO warehouses (code, name) VALUES (:code, :code), (:code, :code)")
    with pytest.raises(IntegrityError) as raised:
        async with db.transaction() as tx:
            await tx.run(add, code=key)
    assert not is_outage(raised.value)
    assert getattr(raised.value.orig, "sqlstate", None) == "23505"
    assert len(await db.rows(PID)) == 1


async def test_a_connection_that_the_server_closed_is_an_outage_and_is_replaced(db: Database, other: Database) -> None:
    [[pid]] = await db.rows(PID)
    await end(other, pid)
    await asyncio.sleep(0.1)
    with pytest.raises(DBAPIError) as raised:
        await db.rows(PID)
    assert is_outage(raised.value)
    [[another]] = await db.rows(PID)
    assert another != pid


async def test_the_same_within_a_transaction(db: Database, other: Database) -> None:
    pids = []

    async def ask_twice() -> None:
        async with db.transaction() as tx:
            pids.append((await tx.rows(PID))[0][0])
            await end(other, pids[0])
            await asyncio.sleep(0.1)
            await tx.rows(PID)

    with pytest.raises(DBAPIError) as raised:
        await ask_twice()
    assert is_outage(raised.value)
    async with db.transaction() as tx:
        [[another]] = await tx.rows(PID)
    assert another != pids[0]


async def test_a_cancelled_statement_leaves_no_answer_to_the_next_user(db: Database) -> None:
    waiting = asyncio.create_task(db.rows(SLEEP))
    await asyncio.sleep(0.2)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert [len(row) for row in await db.rows(HELLO, word="a", number="1")] == [3]


async def test_a_client_lost_in_the_middle_of_a_query_keeps_no_lock(database_url: str, other: Database) -> None:
    """Between two messages of one query, PostgreSQL does not count a connection as idle."""
    code = str(uuid4())
    async with other.transaction() as tx:
        await tx.run(Statement("INSERT INTO warehouses (code, name) VALUES (:code, :code)"), code=code)
    lock = Statement("SELECT name FROM warehouses WHERE code = :code FOR UPDATE")
    lost = Database(database_url, pool_size=1, notify=lambda _changes: None, timeout_s=0.5)
    entered = lost.transaction()
    tx = await entered.__aenter__()
    await tx.rows(lock, code=code)
    await tx.driver.adapter.driver_connection.prepare("SELECT 1")  # leaves the query unfinished
    async with asyncio.timeout(20), other.transaction() as free:
        assert len(await free.rows(lock, code=code)) == 1
        await free.run(Statement("DELETE FROM warehouses WHERE code = :code"), code=code)
    with pytest.raises(OutcomeUnknown):
        await entered.__aexit__(None, None, None)
    await lost.close()
