"""An instance of its own for a benchmark: `python -m oms run` in a temporary folder on a free port."""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.platform.conftest import Instance, clean_environment, launch


@contextmanager
def an_instance(**settings: str) -> Iterator[Instance]:
    folder = Path(tempfile.mkdtemp(prefix="oms-benchmark-"))
    folder.chmod(0o711)  # root's databases run as another user, who has to enter
    instance = launch(clean_environment(folder / "data") | settings, folder / "output")
    try:
        instance.wait_until_ready()
        yield instance
    finally:
        instance.stop(signal.SIGTERM)
        shutil.rmtree(folder)
