"""The engines all tests share: real ones, embedded unless OMS_TEST_DATABASE_URL and OMS_TEST_REDIS_URL name others."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from oms.embedded import Engines
from oms.settings import PROJECT_DIR, load_settings


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    """PostgreSQL and Valkey for the whole run; safe against a killed process, not against a power cut."""
    given = load_settings(
        database_url=os.environ.get("OMS_TEST_DATABASE_URL") or None,
        redis_url=os.environ.get("OMS_TEST_REDIS_URL") or None,
    )
    with Engines(
        _open_folder(tmp_path_factory),
        durable=False,
        database_url=given.database_url,
        redis_url=given.redis_url,
    ) as engines:
        yield engines


@pytest.fixture(scope="session")
def database_url(engines: Engines) -> str:
    """A database with all migrations applied. Tests leave rows behind; whoever needs none removes them first."""
    configuration = Config(PROJECT_DIR / "alembic.ini")
    configuration.attributes["database_url"] = engines.database_url
    command.upgrade(configuration, "head")
    return engines.database_url


@pytest.fixture(scope="session")
def redis_url(engines: Engines) -> str:
    return engines.redis_url


def _open_folder(factory: pytest.TempPathFactory) -> Path:
    """A temporary folder; for root one that the databases' user can reach, for pytest closes its own."""
    folder = factory.mktemp("engines")
    if os.geteuid() == 0:
        for step in (folder.parent, factory.getbasetemp(), factory.getbasetemp().parent):
            step.chmod(0o711)
    return folder
