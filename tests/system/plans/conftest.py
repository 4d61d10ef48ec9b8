"""The plans of all operations in a shop with many orders, at different ages of connections and statistics."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from oms.tools.dev_services.embedded import Engines
from tests.owner import owner_of
from tests.system.hot_path.auto_explain import Executed, Recording, recording, reporting_database
from tests.system.hot_path.hot_shop import HotShop, open_hot_shop
from tests.system.hot_path.large_tables import fill, gather_statistics
from tests.system.hot_path.operations import execute_all

EXECUTIONS_UNTIL_GENERIC: Final = 6
"""PostgreSQL plans a prepared statement five times for its values; then it may keep one plan for all."""

DATABASE: Final = "oms_plans"


async def new_connection(hot: HotShop, recorded: Recording, owner_url: str) -> None:
    """With statistics of the full tables."""
    await fill(owner_url)
    await gather_statistics(owner_url)
    await execute_all(hot, recorded, EXECUTIONS_UNTIL_GENERIC)


async def old_connection(hot: HotShop, recorded: Recording, owner_url: str) -> None:
    """With statistics of the full tables."""
    await fill(owner_url)
    await gather_statistics(owner_url)
    for number in range(EXECUTIONS_UNTIL_GENERIC + 1):
        recorded.executed.clear()
        await execute_all(hot, recorded, number)


async def plans_of_empty_tables(hot: HotShop, recorded: Recording, owner_url: str) -> None:
    """The connection kept plans from before the tables were filled, and there are no statistics."""
    for number in range(EXECUTIONS_UNTIL_GENERIC):
        await execute_all(hot, recorded, number)
    recorded.executed.clear()
    await fill(owner_url)
    await execute_all(hot, recorded, EXECUTIONS_UNTIL_GENERIC)


async def statistics_of_empty_tables(hot: HotShop, recorded: Recording, owner_url: str) -> None:
    """Statistics were gathered before the tables were filled, and not since."""
    await gather_statistics(owner_url)
    await fill(owner_url)
    await execute_all(hot, recorded, EXECUTIONS_UNTIL_GENERIC)


AGES: Final[tuple[Callable[[HotShop, Recording, str], Awaitable[None]], ...]] = (
    new_connection, old_connection, plans_of_empty_tables, statistics_of_empty_tables,
)  # fmt: skip


@pytest.fixture(scope="module", params=AGES, ids=lambda age: age.__name__)
async def executed(request: pytest.FixtureRequest, engines: Engines, redis_url: str, open_dir: Path) -> list[Executed]:
    """What PostgreSQL executed at that age."""
    async with _new_shop(engines, redis_url, open_dir) as (hot, recorded, owner_url):
        await request.param(hot, recorded, owner_url)
        return recorded.executed


@asynccontextmanager
async def _new_shop(engines: Engines, redis_url: str, folder: Path) -> AsyncIterator[tuple[HotShop, Recording, str]]:
    async with reporting_database(engines.database_url, engines.owner_url, DATABASE) as url:
        with recording() as recorded:
            async with open_hot_shop(url, redis_url, folder) as hot:
                yield hot, recorded, owner_of(url)
