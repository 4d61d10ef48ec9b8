"""The prepared database and the fork server, for all tests of the sweep."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oms.tools.dev_services.embedded import Engines
from tests.system.crash_sweep.instances import Instances
from tests.system.crash_sweep.processes import ForkServer


@pytest.fixture(scope="module")
async def instances(engines: Engines, open_dir: Path) -> AsyncIterator[Instances]:
    async with ForkServer() as fork_server, Instances(engines, open_dir / "crash-sweep", fork_server) as instances:
        yield instances
