"""The shop under load: durable engines, web and worker processes as `run` starts them."""

import http.client
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil

from benchmarks.load.figures import CLIENT, Processes
from benchmarks.load.http import Address
from oms.platform.listening import listen, port_of
from oms.platform.migrations import migrate
from oms.platform.settings import PROJECT_DIR, CannotStart, Settings, load_settings
from oms.providers.sandbox.from_settings import FILE_NAME
from oms.tools.dev_services.embedded import Engines
from oms.tools.dev_services.embedded.ports import LOOPBACK
from oms.tools.dev_services.embedded.process import spawn, stop
from oms.tools.dev_services.instance import environment_of

_READY_TIMEOUT_S: Final = 60.0
_STOP_SIGNALS: Final = ((signal.SIGTERM, 20.0),)

_UNBOUNDED: Final = {
    "OMS_MACHINE_REQUESTS_PER_S": "0",
    "OMS_PERSON_REQUESTS_PER_S": "0",
    "OMS_MACHINE_COST_PER_S": "0",
    "OMS_PERSON_COST_PER_S": "0",
}
"""No rate limits: a few callers make all the load."""

_LOG: Final = {"OMS_LOG_LEVEL": "warning", "OMS_LOG_FORMAT": "json"}


class Shop:
    """Its processes. Each web process has its own port, as behind a load balancer.

    Start everything from the main thread, as children end with the thread that started them.
    """

    def __init__(self, engines: Engines, *, web_processes: int, worker_processes: int) -> None:
        self.engines = engines
        self.webs: list[Address] = []
        self._web_count = web_processes
        self._worker_count = worker_processes
        self._webs: list[subprocess.Popen[bytes]] = []
        self._workers: list[subprocess.Popen[bytes]] = []

    @property
    def settings(self) -> Settings:
        return load_settings(
            database_url=self.engines.database_url,
            redis_url=self.engines.redis_url,
            data_dir=self.engines.folder.path,
            port=0,
        )

    @property
    def processes(self) -> Processes:
        engines = {server.name: [psutil.Process(server.process.pid)] for server in self.engines.servers}
        web = [psutil.Process(process.pid) for process in self._webs]
        worker = [psutil.Process(process.pid) for process in self._workers]
        return {"web": web, "worker": worker, **engines, CLIENT: [psutil.Process()]}

    def start_webs(self) -> None:
        for _ in range(self._web_count):
            process, address = self.launch_web()
            self._webs.append(process)
            self.webs.append(address)
        for process, address in zip(self._webs, self.webs, strict=True):
            self.wait_until_ready(process, address)

    def launch_web(self) -> tuple[subprocess.Popen[bytes], Address]:
        """Starts another web process; returns it and its address. The caller waits for it and stops it."""
        with listen(LOOPBACK, 0, variable="OMS_PORT") as listening:
            fd = listening.fileno()
            return self._launch("web", "--fd", str(fd), pass_fds=[fd]), (LOOPBACK, port_of(listening))

    def start_workers(self) -> None:
        """Starts the workers unless they run."""
        if not self._workers:
            self._workers = [self._launch("worker") for _ in range(self._worker_count)]

    def stop_workers(self) -> None:
        """Stops the workers, which finish their batches."""
        for process in self._workers:
            stop(process, _STOP_SIGNALS)
        self._workers = []

    def clear_calls(self) -> None:
        """Deletes the sandbox's log; no worker may run."""
        for file in self.engines.folder.path.glob(f"{FILE_NAME}*"):
            file.unlink()

    def stop(self) -> None:
        for process in [*self._webs, *self._workers]:
            stop(process, _STOP_SIGNALS)

    def require_alive(self) -> None:
        """Raises: CannotStart if a process has ended, as results without it would be meaningless."""
        for process in [*self._webs, *self._workers]:
            if process.poll() is not None:
                raise CannotStart(f"A process of the shop has ended ({process.returncode}); see {self._log_file}.")

    @property
    def _log_file(self) -> Path:
        return self.engines.folder.log_file("shop")

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its processes."""
        return {**environment_of(self.settings), **_LOG, **_UNBOUNDED, "OMS_RUN_AS": "root"}

    def _launch(self, *command: str, pass_fds: Sequence[int] = ()) -> subprocess.Popen[bytes]:
        process = spawn(
            [sys.executable, "-m", "oms", *command],
            environment=self.environment,
            log_file=self._log_file,
            working_dir=PROJECT_DIR,
            pass_fds=pass_fds,
        )
        self.engines.folder.record_child(process.pid)
        return process

    def wait_until_ready(self, process: subprocess.Popen[bytes], address: Address) -> None:
        """Raises: CannotStart."""
        deadline_s = time.monotonic() + _READY_TIMEOUT_S
        while process.poll() is None and time.monotonic() < deadline_s:
            if _is_ready(address):
                return
            time.sleep(0.005)
        raise CannotStart(f"A web process did not become ready; see {self._log_file}.")


def _is_ready(address: Address) -> bool:
    connection = http.client.HTTPConnection(*address, timeout=_READY_TIMEOUT_S)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextmanager
def open_shop(folder: Path | None, *, web_processes: int, worker_processes: int) -> Iterator[Shop]:
    """Starts engines with a migrated database in the folder, or in a temporary one; not web and workers."""
    with _data_folder(folder) as data_dir, Engines(data_dir, durable=True) as engines:
        migrate(engines.owner_url)
        shop = Shop(engines, web_processes=web_processes, worker_processes=worker_processes)
        try:
            yield shop
        finally:
            shop.stop()


@contextmanager
def _data_folder(given: Path | None) -> Iterator[Path]:
    if given:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="oms-bench-"))
    folder.chmod(
        0o711 if os.geteuid() == 0 else 0o700
    )  # root's databases run as another user, who must be able to enter
    try:
        yield folder / "data"
    finally:
        shutil.rmtree(folder)
