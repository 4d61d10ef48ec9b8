"""The statements of all operations, each executed once."""

from pathlib import Path

import pytest

from oms.tools.dev_services.embedded import Engines
from tests.system.hot_path.auto_explain import Executed, recording, reporting_database
from tests.system.hot_path.hot_shop import open_hot_shop
from tests.system.hot_path.operations import execute_all

DATABASE = "oms_shards"


@pytest.fixture(scope="module")
async def executed(engines: Engines, redis_url: str, open_dir: Path) -> list[Executed]:
    """What PostgreSQL executed, without the driver's own queries about types."""
    async with reporting_database(engines.database_url, engines.owner_url, DATABASE) as url:
        with recording() as recorded:
            async with open_hot_shop(url, redis_url, open_dir) as hot:
                await execute_all(hot, recorded, 1)
    return [each for each in recorded.executed if "pg_catalog" not in each.sql]
