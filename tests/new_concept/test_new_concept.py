"""A new concept is its folder, a few files of the same name and four lines: house.py shows it with repairs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from oms.platform.settings import PROJECT_DIR
from oms.tools.dev_services.embedded import Engines
from tests.conftest import DATABASE, REDIS

HOUSE = Path(__file__).with_name("house.py")


@pytest.fixture
def engines_named(engines: Engines, database_url: str) -> dict[str, str]:
    """The environment that lets another process use the engines of this one."""
    return {DATABASE: engines.database_url, REDIS: engines.redis_url}


def test_the_house_takes_in_a_new_concept(engines_named: dict[str, str]) -> None:
    """In a process of its own, because every part of the house knows of the concept from its import on."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(HOUSE)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    run = subprocess.run(
        command,
        check=False,
        cwd=PROJECT_DIR,
        env=environment | engines_named,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
