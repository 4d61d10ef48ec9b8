"""Starts engines, port, migrations, demo data, web and workers in this order; stops them in the reverse order."""

import http.client
import ipaddress
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Final, NoReturn

import structlog
import typer

from oms.platform.listening import listen, port_of
from oms.platform.migrations import migrate
from oms.platform.settings import PROJECT_DIR, CannotStart, Settings
from oms.providers.sandbox.from_settings import sandbox_folder
from oms.tools.dev_services.embedded import DataFolder, Engines
from oms.tools.dev_services.embedded.account import ROOT, Account, account_for_program
from oms.tools.dev_services.embedded.engines import Server
from oms.tools.dev_services.embedded.process import spawn
from oms.tools.dev_services.instance import environment_of
from oms.tools.dev_services.supervisor.steps import Steps
from oms.tools.dev_services.supervisor.watch import Watched, ended, stop_all

log = structlog.get_logger(__name__)

DEMO_AMENDMENT_TIMEOUT_S: Final = 120
"""Long enough to answer by hand, short enough to watch the deadline act."""

_WEB_STOP_TIMEOUT_S: Final = 15.0
_WORKER_STOP_MARGIN_S: Final = 5.0
_READY_TIMEOUT_S: Final = 60.0
_CHECK_EVERY_S: Final = 0.2
_ALL_ADDRESSES: Final = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared with, not listened on


class _StopRequested(BaseException):
    """Ctrl-C or SIGTERM."""


def run(settings: Settings) -> None:
    """Starts everything and keeps it running until it is stopped; leaves no process behind.

    Raises: CannotStart, after stopping everything that was started.
    """
    demo = {"amendment_timeout_s": DEMO_AMENDMENT_TIMEOUT_S, "demo": True}
    unset = {field: value for field, value in demo.items() if field not in settings.model_fields_set}
    settings = settings.model_copy(update=unset)
    require_private(settings)
    has_demo_data = settings.demo and settings.database_url is None
    account = _account(settings)
    steps = Steps()
    try:
        with _stop_signals(), _engines(settings, steps) as engines:
            urls = {
                "database_url": engines.database_url,
                "migration_database_url": engines.owner_url,
                "redis_url": engines.redis_url,
            }
            _run_on(engines, settings.model_copy(update=urls), steps, account, has_demo_data=has_demo_data)
    except _StopRequested:
        typer.echo("Stopped.")


def _engines(settings: Settings, steps: Steps) -> Engines:
    return Engines(
        settings.data_dir,
        database_url=settings.database_url,
        owner_url=settings.migration_database_url,
        redis_url=settings.redis_url,
        backup_dir=settings.backup_dir,
        step=steps,
    )


def require_private(settings: Settings) -> None:
    """In demo mode anybody is a manager. Raises: CannotStart if other machines could reach it."""
    if settings.demo and not settings.demo_anywhere and not _is_loopback(settings.host):
        raise CannotStart(
            f"In demo mode anybody may sign in as a manager, and other machines may reach OMS_HOST={settings.host}.\n"
            "Set OMS_DEMO=false, or OMS_DEMO_ANYWHERE=true if that is intended."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _account(settings: Settings) -> Account | None:
    """The user for web and workers. None: the current user, also if that is root and no other can read the program."""
    try:
        return account_for_program(settings.run_as)
    except CannotStart as problem:
        if settings.run_as:
            raise
        log.warning("Web and workers run as root", reason=str(problem))
        return None


def _run_on(
    engines: Engines, settings: Settings, steps: Steps, account: Account | None, *, has_demo_data: bool
) -> None:
    from oms.tools import demo  # noqa: PLC0415 - imports the whole domain, so only after the first step is shown

    with listen(settings.host, settings.port, variable="OMS_PORT") as listening:
        settings = settings.model_copy(update={"port": port_of(listening)})
        steps("Migrations")
        migrate(engines.owner_url)
        if has_demo_data:
            steps("Demo catalogue, stock and orders")
            demo.load(settings)
        if account:
            account.owns(sandbox_folder(settings))
        children = _children(engines.folder, settings, listening, account)
        try:
            steps("Web and workers")
            for child in children:
                child.launch()
            _wait_until_ready(settings, children)
            engines.folder.announce(
                database_url=engines.database_url,
                owner_url=engines.owner_url,
                redis_url=engines.redis_url,
                host=settings.host,
                port=settings.port,
            )
            steps("Ready")
            _welcome(settings)
            _watch([*children, *(_engine(server) for server in engines.servers)], engines.folder)
        finally:
            typer.echo("Stopping …")
            stop_all([child for child in children if child.name.startswith("web")])
            stop_all(children)


def _children(
    folder: DataFolder, settings: Settings, listening: socket.socket, account: Account | None
) -> list[Watched]:
    web = ("web", "--fd", str(listening.fileno()))
    return [
        *(
            _child(folder, settings, f"web {number}", web, _WEB_STOP_TIMEOUT_S, account, pass_fds=[listening.fileno()])
            for number in range(1, settings.web_processes + 1)
        ),
        *(
            _child(
                folder,
                settings,
                f"worker {number}",
                ("worker",),
                settings.stop_timeout_s + _WORKER_STOP_MARGIN_S,
                account,
            )
            for number in range(1, settings.worker_processes + 1)
        ),
    ]


def _child(
    folder: DataFolder,
    settings: Settings,
    name: str,
    command: Sequence[str],
    stop_timeout_s: float,
    account: Account | None,
    pass_fds: Sequence[int] = (),
) -> Watched:
    def start() -> subprocess.Popen[bytes]:
        process = spawn(
            [sys.executable, "-m", "oms", *command],
            account=account,
            environment={**environment_of(settings), **_user(account)},
            working_dir=PROJECT_DIR,
            pass_fds=pass_fds,
        )
        folder.record_child(process.pid)
        return process

    return Watched(name, start, stop_timeout_s)


def _user(account: Account | None) -> dict[str, str]:
    """Variables of the child's user, who stays the same."""
    return {"OMS_RUN_AS": account.name, **account.environment} if account else {"OMS_RUN_AS": ROOT}


def _engine(server: Server) -> Watched:
    """An engine that runs already, and is stopped by `Engines`."""

    def restart() -> subprocess.Popen[bytes]:
        server.start()
        return server.process

    return Watched(server.name, restart, stop_timeout_s=0, process=server.process, started_s=time.monotonic())


def _wait_until_ready(settings: Settings, children: Sequence[Watched]) -> None:
    """Waits for the web process. Raises: CannotStart if a child ends instead."""
    deadline_s = time.monotonic() + _READY_TIMEOUT_S
    while time.monotonic() < deadline_s:
        for child in children:
            if child.process and child.process.poll() is not None:
                reason = ended(child.process.returncode)
                raise CannotStart(f"The process {child.name} ended ({reason}); see its own message above.")
        if _is_ready(settings):
            return
        time.sleep(0.05)
    raise CannotStart(f"The web server was not ready within {_READY_TIMEOUT_S:.0f} s; see the log above.")


def _is_ready(settings: Settings) -> bool:
    connection = http.client.HTTPConnection(_reachable(settings.host), settings.port, timeout=1)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _watch(children: Sequence[Watched], folder: DataFolder) -> NoReturn:
    while True:
        for child in children:
            child.check()
        folder.rotate_logs()
        time.sleep(_CHECK_EVERY_S)


def _welcome(settings: Settings) -> None:
    host = _reachable(settings.host)
    address = f"[{host}]" if ":" in host else host
    prefix = ""
    if "data_dir" in settings.model_fields_set:
        prefix = f"OMS_DATA_DIR={shlex.quote(str(settings.data_dir))} "
    typer.echo(
        f"\n  Open     http://{address}:{settings.port}/\n"
        f"  A token  {prefix}{os.path.relpath(sys.executable)} -m oms token --role SUPPORT --name me\n"
        "  Stop     Ctrl-C\n"
    )


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in _ALL_ADDRESSES else host


@contextmanager
def _stop_signals() -> Iterator[None]:
    """The first signal stops everything; later ones are ignored, so that they do not interrupt the stop."""
    numbers = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]

    def stop(_number: int, _frame: FrameType | None) -> NoReturn:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise _StopRequested

    before = {number: signal.getsignal(number) for number in numbers}
    for number, handler in before.items():
        if number == signal.SIGHUP and handler == signal.SIG_IGN:
            continue  # nohup: it goes on when its terminal is closed
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
