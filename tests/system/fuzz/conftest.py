"""One running shop to ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.fuzz.shop import Asked, a_shop


@pytest.fixture(scope="module")
def shop(open_dir: Path) -> Iterator[Asked]:
    folder = open_dir / "fuzz"
    folder.mkdir(mode=0o711)
    with a_shop(folder) as asked:
        yield asked
