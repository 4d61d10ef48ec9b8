"""A shop of its own for every test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.shop import ShopUnderTest, open_shop


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    async with open_shop(database_url, tmp_path) as shop:
        yield shop
