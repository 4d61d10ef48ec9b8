"""The settings of a web process on the tests' engines."""

import pytest

from oms.platform.settings import Settings, load_settings


@pytest.fixture(scope="session")
def web_settings(database_url: str, redis_url: str) -> Settings:
    return load_settings(database_url=database_url, redis_url=redis_url, database_pool_size=5)
