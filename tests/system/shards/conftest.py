"""Every way through the product, gone once."""

from pathlib import Path

import pytest

from oms.tools.dev_services.embedded import Engines
from tests.system.hot_path.hot_shop import open_hot_shop
from tests.system.hot_path.telling import Executed, database_that_tells, telling
from tests.system.hot_path.ways import walk

DATABASE = "oms_shards"


@pytest.fixture(scope="module")
async def executed(engines: Engines, redis_url: str, open_dir: Path) -> list[Executed]:
    """What PostgreSQL executed meanwhile; the driver's own questions about types are left out."""
    async with database_that_tells(engines.database_url, engines.owner_url, DATABASE) as url:
        with telling() as told:
            async with open_hot_shop(url, redis_url, open_dir) as hot:
                await walk(hot, told, 1)
    return [each for each in told.executed if "pg_catalog" not in each.sql]
