"""The engines all tests share: real, and embedded unless the environment names others (OMS_TEST_…_URL)."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from oms.platform.migrations import migrate
from oms.platform.settings import load_settings
from oms.tools.dev_services.embedded import Engines
from tests import owner

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


@pytest.fixture(scope="session")
def open_dir() -> Iterator[Path]:
    """A temporary folder that other users may enter, as root's databases need it; pytest closes its own."""
    _remove_left_behind()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    folder.chmod(0o711)
    with (folder / IN_USE).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
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
        database_url=os.environ.get("OMS_TEST_DATABASE_URL") or None,
        migration_database_url=os.environ.get(owner.VARIABLE) or None,
        redis_url=os.environ.get("OMS_TEST_REDIS_URL") or None,
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
    return engines.database_url


@pytest.fixture(scope="session")
def redis_url(engines: Engines) -> str:
    return engines.redis_url
