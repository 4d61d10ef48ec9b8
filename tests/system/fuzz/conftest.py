"""One running shop for all tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.fuzz.shop import RunningShop, running_shop


@pytest.fixture(scope="module")
def shop(open_dir: Path) -> Iterator[RunningShop]:
    folder = open_dir / "fuzz"
    folder.mkdir(mode=0o711)
    with running_shop(folder) as shop:
        yield shop
