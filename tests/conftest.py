"""The engines that the tests of one process share: embedded ones, or those that OMS_TEST_…_URL names.

Each process of pytest-xdist starts its own. On named engines only one process may run, because tests empty the tables.
"""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import asyncpg
import pytest
from xdist.remote import Producer

from oms.platform.grants import address_of
from oms.platform.migrations import migrate
from oms.platform.settings import load_settings
from oms.tools.dev_services.embedded import Engines
from tests import owner
from tests.distribution import ByFile, place_of

PREFIX: Final = "oms-tests-"

# All tests call from one address, and many as one person, so the limits for one caller are off.
GENEROUS: Final = {
    "OMS_PERSON_REQUESTS_PER_S": "0",
    "OMS_STRANGER_REQUESTS_PER_S": "0",
    "OMS_SIGN_IN_RATE": "999999/minute",
    "OMS_SIGN_IN_RATE_FROM_ADDRESS": "999999/minute",
}
os.environ |= GENEROUS
# Whoever runs the tests runs their processes, which write into folders of pytest that nobody else may enter.
os.environ.setdefault("OMS_RUN_AS", "root")
IN_USE: Final = "in-use"
DATABASE: Final = "OMS_TEST_DATABASE_URL"
REDIS: Final = "OMS_TEST_REDIS_URL"

WORKERS_PER_PROCESSOR: Final = 2
"""Tests wait for processes and timers half of the time."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    if os.environ.get(DATABASE) or os.environ.get(REDIS):
        return 1
    return WORKERS_PER_PROCESSOR * (os.cpu_count() or 1)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    config.option.loadscopereorder = False
    return ByFile(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("random_order_enabled", False):
        items.sort(key=lambda item: place_of(item.nodeid))  # stable: pytest's order stays within a place


@pytest.fixture(scope="session")
def open_dir() -> Iterator[Path]:
    """A temporary folder that other users may enter: root runs PostgreSQL as another user. pytest's own is closed."""
    _remove_left_behind()
    new = Path(tempfile.mkdtemp(prefix=f"new-{PREFIX}"))
    new.chmod(0o711)
    with (new / IN_USE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = new.rename(new.with_name(new.name.removeprefix("new-")))  # now that no other run can remove it
        yield folder
        shutil.rmtree(folder)


def _remove_left_behind() -> None:
    """Remove folders of killed runs: nobody holds their lock any more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            with (folder / IN_USE).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
        except OSError:
            continue  # in use, or another user's


@pytest.fixture(scope="session")
def engines(open_dir: Path) -> Iterator[Engines]:
    """PostgreSQL and Valkey for the whole run. A power cut may lose data, a killed process does not."""
    given = load_settings(
        database_url=os.environ.get(DATABASE) or None,
        migration_database_url=os.environ.get(owner.VARIABLE) or None,
        redis_url=os.environ.get(REDIS) or None,
    )
    with Engines(
        open_dir / "engines",
        durable=False,
        database_url=given.database_url,
        owner_url=given.migration_database_url,
        redis_url=given.redis_url,
    ) as engines:
        os.environ[owner.VARIABLE] = engines.owner_url
        yield engines


@pytest.fixture(scope="session")
def database_url(engines: Engines) -> str:
    """The application's URL of a migrated database. A test that needs empty tables empties them."""
    migrate(engines.owner_url)
    asyncio.run(_never_vacuum(engines.owner_url))
    return engines.database_url


async def _never_vacuum(owner_url: str) -> None:
    """Keep rows in the order of insertion after others were deleted: some tests read them without ORDER BY."""
    from tests.shop import GROWING  # not at the top: it imports the whole domain, which many tests do not need

    connection = await asyncpg.connect(address_of(owner_url))
    try:
        for table in GROWING.split(", "):
            await connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def redis_url(engines: Engines) -> str:
    return engines.redis_url
