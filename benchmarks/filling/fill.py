"""Fills the tables: truncates them, inserts without indexes and write-ahead log, then creates the indexes.

A transaction that truncates a table may fill it unlogged if `wal_level` is minimal, which is set only for filling.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

import asyncpg

from benchmarks.filling.tables import CUSTOMERS, EVENTS, REST, TALLIES
from oms.domain.figures.store import count_new
from oms.platform.db import Database
from oms.platform.grants import address_of
from oms.tools.dev_services.embedded import Engines

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Report: TypeAlias = Callable[[str], None]

ORDERS_OF_A_CUSTOMER: Final = 20
BATCH: Final = 200_000
"""Orders of one statement, so that progress can be reported."""

_YEAR_US: Final = 365 * 86_400 * 1_000_000
_LAST_WAS_US: Final = 86_400 * 1_000_000
"""The last order was placed a day ago."""

_WORTH_A_RESTART: Final = 100_000
_WITHOUT_LOG: Final = {"wal_level": "minimal", "max_wal_senders": "0", "max_wal_size": "16GB"}
_SHAPES: Final = Path(__file__).with_name("shapes.sql")

_FILLED_WITH: Final = "SELECT obj_description(to_regnamespace('filling'), 'pg_namespace')"
_CONSTRAINTS: Final = """
    SELECT conrelid::regclass::text AS "table", conname AS name, pg_get_constraintdef(oid) AS definition
    FROM pg_constraint WHERE conrelid = ANY ($1::text[]::regclass[]) AND contype IN ('p', 'u')
"""
_INDEXES: Final = """
    SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i
    WHERE i.indrelid = ANY ($1::text[]::regclass[])
      AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
"""


def customers_of(orders: int) -> int:
    """The number of customers of so many orders."""
    return max(1, orders // ORDERS_OF_A_CUSTOMER)


def filled_with(owner_url: str) -> int:
    """The number of orders with which a database was filled completely; 0: it was not."""
    found = asyncio.run(_value(address_of(owner_url), _FILLED_WITH))
    return int(found or 0)


def fill(engines: Engines, orders: int, report: Report) -> None:
    """Replaces all orders. For many orders, nothing else may use the database."""
    if orders < _WORTH_A_RESTART:
        asyncio.run(fill_running(engines.owner_url, orders, report))
        return
    with _without_log(engines):
        asyncio.run(fill_running(engines.owner_url, orders, report))


async def fill_running(owner_url: str, orders: int, report: Report) -> None:
    address = address_of(owner_url)
    connections = [await asyncpg.connect(address, command_timeout=None) for _ in range(2)]
    first, second = connections
    try:
        await first.execute(_shapes(orders))
        await asyncio.gather(_load(first, EVENTS, orders, report), _load_rest(second, orders, report))
        report("vacuum and statistics")
        await asyncio.gather(*(_settle(*each) for each in ((first, EVENTS), (second, REST))))
        await first.execute("VACUUM (ANALYZE) customers, tallies")
        report("figures")
        await _count(first, owner_url)
        await first.execute(f"COMMENT ON SCHEMA filling IS '{orders}'")
        await first.execute("CHECKPOINT")
    finally:
        for connection in connections:
            await connection.close()


async def add(owner_url: str, orders: int) -> None:
    """Adds orders as if they had been placed one by one: without dropping indexes or gathering statistics."""
    connection = await asyncpg.connect(address_of(owner_url))
    try:
        async with connection.transaction():
            await connection.execute(_shapes(orders))
            for statement in itertools.chain(*EVENTS.values(), *REST.values()):
                await connection.execute(statement, 1, orders)
            await connection.execute(f"{CUSTOMERS} ON CONFLICT DO NOTHING", 1, customers_of(orders))
            await connection.execute(f"{TALLIES} ON CONFLICT DO NOTHING")
    finally:
        await connection.close()


def _shapes(orders: int) -> str:
    step_us = max(1, _YEAR_US // max(1, orders))
    start_us = time.time_ns() // 1000 - _LAST_WAS_US - step_us * orders
    numbers = {"{start_us}": start_us, "{step_us}": step_us, "{customers}": customers_of(orders)}
    text = _SHAPES.read_text()
    for name, number in numbers.items():
        text = text.replace(name, str(number))
    return text


async def _count(connection: Connection, owner_url: str) -> None:
    """The figures of the filled orders, and a copy of them for when others have come and gone."""
    await connection.execute("TRUNCATE figures, figures_progress")
    db = Database(owner_url, pool_size=1, notify=lambda _: None)
    await count_new(db)
    await db.close()
    await connection.execute("CREATE TABLE filling.figures AS TABLE figures")


async def _load_rest(connection: Connection, orders: int, report: Report) -> None:
    await _load(connection, REST, orders, report)
    async with connection.transaction():
        await connection.execute("TRUNCATE customers, tallies")
        await connection.execute(CUSTOMERS, 1, customers_of(orders))
        await connection.execute(TALLIES)


async def _load(connection: Connection, tables: Mapping[str, tuple[str, ...]], orders: int, report: Report) -> None:
    async with connection.transaction():
        await connection.execute("SET LOCAL maintenance_work_mem = '1GB'")
        await connection.execute(f"TRUNCATE {', '.join(tables)}")
        rebuild = await _drop_indexes(connection, list(tables))
        for lowest in range(1, orders + 1, BATCH):
            highest = min(orders, lowest + BATCH - 1)
            for statements in tables.values():
                for statement in statements:
                    await connection.execute(statement, lowest, highest)
            report(f"{', '.join(tables)}: {highest:,} of {orders:,} orders")
        for statement in rebuild:
            report(statement.partition(" (")[0])
            await connection.execute(statement)


async def _drop_indexes(connection: Connection, tables: list[str]) -> list[str]:
    """Drops indexes and constraints; returns the statements to create them again, which is faster at the end."""
    rebuild = []
    for table, name, definition in await connection.fetch(_CONSTRAINTS, tables):
        await connection.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        rebuild.append(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
    for name, definition in await connection.fetch(_INDEXES, tables):
        await connection.execute(f"DROP INDEX {name}")
        rebuild.append(definition)
    return rebuild


async def _settle(connection: Connection, tables: Mapping[str, object]) -> None:
    """As autovacuum would have done; otherwise it would do so during the measurement."""
    await connection.execute(f"VACUUM (ANALYZE) {', '.join(tables)}")


@contextmanager
def _without_log(engines: Engines) -> Iterator[None]:
    _restart(engines, [f"ALTER SYSTEM SET {name} = '{value}'" for name, value in _WITHOUT_LOG.items()])
    try:
        yield
    finally:
        _restart(engines, [f"ALTER SYSTEM RESET {name}" for name in _WITHOUT_LOG])


def _restart(engines: Engines, statements: list[str]) -> None:
    """Restarts PostgreSQL with other settings, on the same port."""
    asyncio.run(_execute(address_of(engines.owner_url), statements))
    (postgres,) = [server for server in engines.servers if server.name == "postgres"]
    postgres.stop()
    postgres.start()


async def _value(address: str, query: str) -> str | None:
    connection = await asyncpg.connect(address)
    try:
        answer: str | None = await connection.fetchval(query)
        return answer
    finally:
        await connection.close()


async def _execute(address: str, statements: list[str]) -> None:
    connection = await asyncpg.connect(address)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
