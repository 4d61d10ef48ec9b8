"""Every way through the product, gone in a shop that has grown, at different ages of plans and statistics."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from oms.tools.dev_services.embedded import Engines
from tests.owner import owner_of
from tests.system.hot_path.growing import gather_statistics, grow
from tests.system.hot_path.hot_shop import HotShop, open_hot_shop
from tests.system.hot_path.telling import Executed, Told, database_that_tells, telling
from tests.system.hot_path.ways import walk

UNTIL_PLANS_STAY: Final = 6
"""PostgreSQL plans a prepared statement five times for its values; then it may keep one plan for all."""

DATABASE: Final = "oms_plans"


async def at_first(hot: HotShop, told: Told, owner_url: str) -> None:
    """A connection that is new, with statistics of the shop as it is."""
    await grow(owner_url)
    await gather_statistics(owner_url)
    await walk(hot, told, UNTIL_PLANS_STAY)


async def later_on(hot: HotShop, told: Told, owner_url: str) -> None:
    """A connection that has been open for long, with statistics of the shop as it is."""
    await grow(owner_url)
    await gather_statistics(owner_url)
    for number in range(UNTIL_PLANS_STAY + 1):
        told.executed.clear()
        await walk(hot, told, number)


async def since_opening(hot: HotShop, told: Told, owner_url: str) -> None:
    """The shop was empty when its plans were made, and nobody has gathered statistics since it began to sell."""
    for number in range(UNTIL_PLANS_STAY):
        await walk(hot, told, number)
    told.executed.clear()
    await grow(owner_url)
    await walk(hot, told, UNTIL_PLANS_STAY)


async def with_statistics_of_nothing(hot: HotShop, told: Told, owner_url: str) -> None:
    """Statistics were gathered while it was empty, and none since."""
    await gather_statistics(owner_url)
    await grow(owner_url)
    await walk(hot, told, UNTIL_PLANS_STAY)


AGES: Final[tuple[Callable[[HotShop, Told, str], Awaitable[None]], ...]] = (
    at_first, later_on, since_opening, with_statistics_of_nothing,
)  # fmt: skip


@pytest.fixture(scope="module", params=AGES, ids=lambda age: age.__name__)
async def executed(request: pytest.FixtureRequest, engines: Engines, redis_url: str, open_dir: Path) -> list[Executed]:
    """What PostgreSQL executed in that age of the shop."""
    async with _in_a_shop_of_its_own(engines, redis_url, open_dir) as (hot, told, owner_url):
        await request.param(hot, told, owner_url)
        return told.executed


@asynccontextmanager
async def _in_a_shop_of_its_own(
    engines: Engines, redis_url: str, folder: Path
) -> AsyncIterator[tuple[HotShop, Told, str]]:
    async with database_that_tells(engines.database_url, engines.owner_url, DATABASE) as url:
        with telling() as told:
            async with open_hot_shop(url, redis_url, folder) as hot:
                yield hot, told, owner_of(url)
