"""One ground, with its engines and its nursery, for all tests of the sweep."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from oms.tools.dev_services.embedded import Engines
from tests.system.crash_sweep.ground import Ground
from tests.system.crash_sweep.processes import Nursery


@pytest.fixture(scope="module")
async def ground(engines: Engines, open_dir: Path) -> AsyncIterator[Ground]:
    async with Nursery() as nursery, Ground(engines, open_dir / "crash-sweep", nursery) as ground:
        yield ground
