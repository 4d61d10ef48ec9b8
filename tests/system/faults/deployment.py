"""The product as in production: engines, two web and two worker processes, the providers, and links between them."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

import psutil
from sqlalchemy.engine import make_url

from oms.platform.migrations import migrate
from oms.platform.settings import PROJECT_DIR
from oms.tools.dev_services.embedded import Engines
from oms.tools.dev_services.embedded.engines import Server
from oms.tools.dev_services.embedded.ports import free_port
from oms.tools.replay.client.connection import Connections
from tests.system.faults.link import HOST, Link

T = TypeVar("T")

LEASE_S: Final = 12.0
PROVIDER_TIMEOUT_S: Final = 4.5
DATABASE_TIMEOUT_S: Final = 15.0
AMENDMENT_TIMEOUT_S: Final = 6
READY_WITHIN_S: Final = 120.0
ENDS_WITHIN_S: Final = 90.0
SMALL_DISK_MIB: Final = 512

_SHORT_TIMEOUTS: Final = {
    "OMS_WORK_LEASE_S": str(LEASE_S),
    "OMS_PROVIDER_TIMEOUT_S": str(PROVIDER_TIMEOUT_S),
    "OMS_DATABASE_TIMEOUT_S": str(DATABASE_TIMEOUT_S),
    "OMS_AMENDMENT_TIMEOUT_S": str(AMENDMENT_TIMEOUT_S),
    # A few customers and couriers do as much as many: no rule of the business is to refuse them.
    "OMS_CUSTOMER_ORDERS_PER_MINUTE": "0",
    "OMS_CUSTOMER_OPEN_ORDERS": "0",
    "OMS_CUSTOMER_UNPAID_UNITS": "0",
    "OMS_CUSTOMER_UNPAID_MINOR": "0",
    "OMS_COURIER_FAILURES_PER_MINUTE": "0",
    "OMS_LOG_FORMAT": "json",
    "OMS_LOG_LEVEL": "warning",
}
"""In the proportions of the defaults, and short enough to wait for recoveries."""


class Program:
    """One `python -m oms …`."""

    def __init__(self, name: str, command: str, environment: dict[str, str], log_file: Path, port: int) -> None:
        self.name = name
        self.port = port
        self.unexpected_ends: list[int] = []
        self._command = command
        self._environment = environment
        self._log_file = log_file
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "oms", self._command],
                cwd=PROJECT_DIR,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        """Raises RuntimeError if it does not run."""
        if self._process is None:
            raise RuntimeError(f"{self.name} does not run")
        return self._process.pid

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    async def end(self, *, within_s: float = ENDS_WITHIN_S) -> None:
        """Sends SIGTERM and waits until it has finished its work. Raises TimeoutError."""
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(within_s):
                while self._process.poll() is None:  # noqa: ASYNC110 - a process has no event
                    await asyncio.sleep(0.02)
            self._process = None

    def log_tail(self) -> str:
        return "\n".join(self._log_file.read_text(errors="replace").splitlines()[-5:])

    def restart_if_ended(self) -> None:
        """As a supervisor does with a process that ended by itself."""
        if self._process and (status := self._process.poll()) is not None:
            self.unexpected_ends.append(status)
            self.start()


class Deployment:
    """All processes. Blocking calls run in one thread that lives as long, because engines end with their starter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data_dir = folder / "data"
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._engines = Engines(self.data_dir)
        self._count = 0
        self.to_database = Link(lambda: [self._port_of(self.database_url)], mark=b"COMMIT;")
        self.to_web = Link(lambda: [web.port for web in self.webs], mark=b"POST /graphql")
        self.to_providers = Link(lambda: [self.sandbox.port], mark=b" HTTP/1.1\r\n")
        self.webs: list[Web] = []
        self.workers: list[Program] = []
        self.sandbox: Program
        self.started: list[Program] = []

    @property
    def database_url(self) -> str:
        """Without the link."""
        return make_url(self._engines.database_url).set(drivername="postgresql").render_as_string(hide_password=False)

    @property
    def redis_url(self) -> str:
        return self._engines.redis_url

    @property
    def programs(self) -> list[Program]:
        return [*self.webs, *self.workers, self.sandbox]

    def engine(self, name: str) -> Server:
        (found,) = [server for server in self._engines.servers if server.name == name]
        return found

    async def in_thread(self, act: Callable[[], T]) -> T:
        """Runs a blocking call without holding up the load."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, act)

    async def __aenter__(self) -> "Deployment":
        try:
            await self._start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def _start(self) -> None:
        await self.in_thread(self._engines.__enter__)
        await self.in_thread(self._limit_wal)
        await self.in_thread(lambda: migrate(self._engines.owner_url))
        for link in (self.to_database, self.to_providers, self.to_web):
            await link.open()
        self.sandbox = Program(*self._parts("sandbox", free_port(0)))
        self._start_program(self.sandbox)
        for _ in range(2):
            self.webs.append(self.new_web())
            self.workers.append(self.new_worker())
        await asyncio.gather(*(web.until_ready() for web in self.webs))

    async def __aexit__(self, *_: object) -> None:
        for program in self.started:
            program.kill()
        for link in (self.to_web, self.to_providers, self.to_database):
            link.close()
        await self.in_thread(lambda: self._engines.__exit__(None, None, None))
        self._thread.shutdown()

    def _limit_wal(self) -> None:
        """So that PostgreSQL's write-ahead log fits on a small disk."""
        with (self.data_dir / "postgres/postgresql.conf").open("a") as file:
            file.write("max_wal_size = '96MB'\nmin_wal_size = '32MB'\n")
        self.engine("postgres").process.send_signal(signal.SIGHUP)

    def new_web(self) -> "Web":
        web = Web(*self._parts("web", free_port(0)))
        self._start_program(web)
        return web

    def new_worker(self) -> Program:
        worker = Program(*self._parts("worker", 0))
        self._start_program(worker)
        return worker

    def _start_program(self, program: Program) -> None:
        self.started.append(program)
        program.start()

    def _parts(self, kind: str, port: int) -> tuple[str, str, dict[str, str], Path, int]:
        self._count += 1
        name = f"{kind}-{self._count}"
        ports = {"OMS_PORT": str(port), "OMS_SANDBOX_PORT": str(port)}
        return name, kind, self.environment | ports, self.folder / f"{name}.log", port

    @property
    def environment(self) -> dict[str, str]:
        """Of every process."""
        url = make_url(self._engines.database_url).set(host=HOST, port=self.to_database.port)
        settings = {
            "OMS_DATABASE_URL": url.render_as_string(hide_password=False),
            "OMS_REDIS_URL": self._engines.redis_url,
            "OMS_PROVIDERS_URL": f"http://{HOST}:{self.to_providers.port}",
            "OMS_DATA_DIR": str(self.data_dir),
            "OMS_RUN_AS": "root",  # the trial signals and traces them
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
        return inherited | _SHORT_TIMEOUTS | settings

    def restart_ended(self) -> None:
        for program in self.programs:
            program.restart_if_ended()

    def backend(self) -> psutil.Process | None:
        """One of PostgreSQL's processes that serve the product's connections."""
        for child in psutil.Process(self.engine("postgres").process.pid).children():
            with suppress(psutil.Error):
                if HOST in " ".join(child.cmdline()):
                    return child
        return None

    @staticmethod
    def _port_of(url: str) -> int:
        return make_url(url).port or 0


class Web(Program):
    """A web process on a port of its own."""

    async def until_ready(self, *, within_s: float = READY_WITHIN_S) -> None:
        """Raises TimeoutError with the end of its log."""
        try:
            async with asyncio.timeout(within_s):
                while not await self._is_ready():  # noqa: ASYNC110 - a process has no event
                    await asyncio.sleep(0.1)
        except TimeoutError as late:
            raise TimeoutError(f"{self.name} does not serve: {self.log_tail()}") from late

    async def _is_ready(self) -> bool:
        with suppress(OSError):
            async with Connections(f"http://{HOST}:{self.port}", 1.0) as connections:
                body = b'{"query": "{ __typename }"}'
                reply = await connections.post("/graphql", {"content-type": "application/json"}, body)
                return reply.status == 401  # it serves, and asks for authentication
        return False


@contextmanager
def small_disk(folder: Path) -> Iterator[str]:
    """Mounts a small file system on the folder. Yields "", or the reason if that is not possible."""
    image = folder.with_suffix(".image")
    if os.geteuid() != 0:
        yield "only root can mount a small disk"
        return
    with image.open("wb") as file:
        file.truncate(SMALL_DISK_MIB << 20)
    commands = (["mkfs.ext4", "-q", "-F", str(image)], ["mount", "-o", "loop", str(image), str(folder)])
    ended = [subprocess.run(command, capture_output=True, check=False) for command in commands]
    if failed := [each for each in ended if each.returncode]:
        image.unlink()
        yield f"no small disk: {failed[0].stderr.decode().strip()}"
        return
    folder.chmod(0o711)
    try:
        yield ""
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        image.unlink()
