"""An instance for a benchmark: `python -m oms run` in a temporary folder on a free port."""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from oms.tools.dev_services.embedded import running_instance
from tests.platform.conftest import Instance, clean_environment, launch
from tests.system.browser.elsewhere import Elsewhere

_ANY_NUMBER: Final = {
    "OMS_PERSON_REQUESTS_PER_S": "0",
    "OMS_PERSON_SUBSCRIPTIONS": "1000000",
    "OMS_STRANGER_REQUESTS_PER_S": "0",
}
"""No rate limits, as all readers of a benchmark are one person at one address."""


@contextmanager
def an_instance(**settings: str) -> Iterator[Instance]:
    folder = Path(tempfile.mkdtemp(prefix="oms-benchmark-"))
    folder.chmod(0o711)  # root's databases run as another user, who has to enter
    instance = launch(clean_environment(folder / "data") | _ANY_NUMBER | settings, folder / "output")
    try:
        instance.wait_until_ready()
        yield instance
    finally:
        instance.stop(signal.SIGTERM)
        shutil.rmtree(folder)


def people_of(instance: Instance) -> Elsewhere:
    """Callers of the instance's API."""
    running = running_instance(Path(instance.environment["OMS_DATA_DIR"]))
    if not (running and running.database_url):
        raise SystemExit(instance.output)
    return Elsewhere(instance.url, running.database_url)
