"""The API over a shop of its own for every test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.schema.api import Api
from tests.shop import open_shop


@pytest.fixture
async def api(database_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    async with open_shop(database_url, tmp_path) as shop:
        yield Api(shop)
