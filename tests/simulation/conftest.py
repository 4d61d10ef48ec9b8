"""One simulator for all histories of a test run."""

from collections.abc import Iterator

import pytest

from oms.embedded import Engines
from tests.simulation.simulator import Simulator


@pytest.fixture(scope="session")
def simulator(engines: Engines) -> Iterator[Simulator]:
    with Simulator(engines.owner_url) as simulator:
        yield simulator
