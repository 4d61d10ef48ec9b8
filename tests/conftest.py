"""The engines that the tests of one process share: real, and embedded unless the environment names others.

Each process of pytest-xdist has engines and a temporary folder of its own. Others are named by OMS_TEST_…_URL; then
there can be only one process, because the tests empty the tables.
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

# All tests call from one address, some as one person many times: what is fair among many is not what they are about.
GENEROUS: Final = {
    "OMS_PERSON_REQUESTS_PER_S": "0",
    "OMS_STRANGER_REQUESTS_PER_S": "0",
    "OMS_SIGN_IN_RATE": "999999/minute",
    "OMS_SIGN_IN_RATE_FROM_ADDRESS": "999999/minute",
}
os.environ |= GENEROUS
IN_USE: Final = "in-use"
DATABASE: Final = "OMS_TEST_DATABASE_URL"
REDIS: Final = "OMS_TEST_REDIS_URL"

WORKERS_PER_PROCESSOR: Final = 2
"""Tests wait for processes and timers about half of the time."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    if os.environ.get(DATABASE) or os.environ.get(REDIS):
        return 1
    return WORKERS_PER_PROCESSOR * (os.cpu_count() or 1)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    config.option.loadscopereorder = False
    return ByFile(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("random_order_enabled", False):
        items.sort(key=lambda item: place_of(item.nodeid))  # a stable sort: within a place, as pytest ordered them


@pytest.fixture(scope="session")
def open_dir() -> Iterator[Path]:
    """A temporary folder that other users may enter, as root's databases need it; pytest closes its own."""
    _remove_left_behind()
    unlocked = Path(tempfile.mkdtemp(prefix=f"new-{PREFIX}"))
    unlocked.chmod(0o711)
    with (unlocked / IN_USE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = unlocked.rename(unlocked.with_name(unlocked.name.removeprefix("new-")))  # once nobody can remove it
        yield folder
        shutil.rmtree(folder)


def _remove_left_behind() -> None:
    """Folders of runs that were killed: nobody holds their lock any more."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            with (folder / IN_USE).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
        except OSError:
            continue  # in use, somebody else's, or just being made


@pytest.fixture(scope="session")
def engines(open_dir: Path) -> Iterator[Engines]:
    """PostgreSQL and Valkey for the whole run; safe against a killed process, not against a power cut."""
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
    """A database with all migrations applied, as the application. Whoever needs empty tables empties them."""
    migrate(engines.owner_url)
    asyncio.run(_never_vacuum(engines.owner_url))
    return engines.database_url


async def _never_vacuum(owner_url: str) -> None:
    """Rows stay in the order of their insertion, also where others were deleted: some tests read without ORDER BY."""
    from tests.shop import GROWING  # not above: it imports the whole domain, which many tests do without

    connection = await asyncpg.connect(address_of(owner_url))
    try:
        for table in GROWING.split(", "):
            await connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def redis_url(engines: Engines) -> str:
    return engines.redis_url
