"""The whole API at a port, for third-party clients."""

from collections.abc import Iterator

import pytest

from oms.platform.settings import Settings
from oms.schema.schema import schema
from tests.web.conftest import Server, db, serving, web_settings

__all__ = ["db", "web_settings"]  # fixtures


@pytest.fixture(scope="session")
def api(web_settings: Settings) -> Iterator[Server]:
    with serving(web_settings, schema) as running:
        yield running
