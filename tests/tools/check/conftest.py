"""A database for the checker's tests, filled once; what a test plants is rolled back."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from oms.platform.migrations import migrate
from oms.tools.dev_services.embedded import Engines
from tests.owner import owner_of
from tests.shop import open_shop
from tests.tools.check.history import Orders, live_through

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
DATABASE = "honest_shop"


def plain(url: str) -> str:
    """For asyncpg itself."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


async def execute(url: str, statement: str) -> None:
    """As the owner."""
    connection = await asyncpg.connect(plain(owner_of(url)))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def own_database_url(engines: Engines) -> Iterator[str]:
    """A new database with all tables, empty."""
    asyncio.run(execute(engines.owner_url, f"CREATE DATABASE {DATABASE}"))
    url = make_url(engines.database_url).set(database=DATABASE).render_as_string(hide_password=False)
    migrate(owner_of(url))
    yield url
    asyncio.run(execute(engines.owner_url, f"DROP DATABASE {DATABASE} WITH (FORCE)"))


@dataclass(frozen=True)
class HonestShop:
    """Its URL, its orders by what happened to them, and the folder of the sandbox's log."""

    url: str
    folder: Path
    orders: Orders


@pytest.fixture(scope="session")
async def honest_shop(own_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> HonestShop:
    folder = tmp_path_factory.mktemp("honest")
    async with open_shop(own_database_url, folder) as shop:
        return HonestShop(own_database_url, folder, await live_through(shop))


@pytest.fixture
async def connection(honest_shop: HonestShop) -> AsyncIterator[Connection]:
    """The owner's, in a transaction that is rolled back."""
    connection = await asyncpg.connect(plain(owner_of(honest_shop.url)))
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield connection
    finally:
        await transaction.rollback()
        await connection.close()
