"""One simulator for all histories of a test run."""

from collections.abc import Iterator

import pytest

from oms.tools.dev_services.embedded import Engines
from tests.system.simulation.simulator import Simulator


@pytest.fixture(scope="session")
def simulator(engines: Engines) -> Iterator[Simulator]:
    with Simulator(engines.owner_url) as simulator:
        yield simulator
