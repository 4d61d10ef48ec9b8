"""The commands as an operator runs them: real processes and a real database."""

import os
import subprocess
from collections.abc import Callable

import pytest

from tests import oms_process

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(database_url: str, redis_url: str) -> Run:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
    environment = kept | {"OMS_DATABASE_URL": database_url, "OMS_REDIS_URL": redis_url}

    def oms(*arguments: str, typed: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
        return oms_process.oms(*arguments, environment=environment | settings, typed=typed)

    return oms
