"""One PostgreSQL server on the loopback address. Its data are created at the first start."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from oms.platform.grants import APP_ROLE, OWNER_ROLE
from oms.platform.settings import CannotStart
from oms.tools.dev_services.embedded.account import Account
from oms.tools.dev_services.embedded.folder import DataFolder
from oms.tools.dev_services.embedded.ports import LOOPBACK, free_port, last_lines
from oms.tools.dev_services.embedded.process import spawn, stop
from oms.tools.dev_services.embedded.programs import Programs

DATABASE: Final = "oms"

_START_TIMEOUT_S: Final = 120.0  # recovery after a crash may take long
_PORT_ATTEMPTS: Final = 3  # another program may take a free port first
_STOP_SIGNALS: Final = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0))  # fast, then immediate shutdown
_CLEAN_ENVIRONMENT: Final = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
_ROOT_DIR: Final = Path("/")  # every user can enter it

_INITDB: Final = (
    f"--username={OWNER_ROLE}",
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",  # sorts like C, but has upper and lower case beyond ASCII
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
)
_REVOKED: Final = (
    f"REVOKE TEMPORARY ON DATABASE {DATABASE} FROM PUBLIC",  # the application could fill the disk with them
    "REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC",
)
_SETTINGS: Final = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "jit": "off",  # compiling takes longer than these short statements
}
_LOGGING: Final = {
    # Keeps user input out of the log: statements, parameters, and rows that messages quote. Errors of statements may
    # quote values, so only the client gets them; the log has the server's own messages.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}
_NOT_DURABLE: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresServer:
    """Data, passwords and port are stored in the folder."""

    name = "postgres"

    def __init__(
        self,
        folder: DataFolder,
        programs: Programs,
        account: Account | None,
        *,
        durable: bool,
        archiving: Mapping[str, str] | None = None,
    ) -> None:
        """`archiving`: PostgreSQL's settings for archiving its write-ahead log."""
        self._folder = folder
        self._archiving = archiving or {}
        self._programs = programs
        self._account = account
        self._durable = durable
        self._data_dir = folder.database_dir
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0  # kept by a restart, as clients know it

    @property
    def is_new(self) -> bool:
        return not self._data_dir.exists()

    def url_of(self, role: str) -> str:
        return f"postgresql+asyncpg://{role}:{self._folder.password(role)}@{LOOPBACK}:{self._port}/{DATABASE}"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """Raises: RuntimeError before the start."""
        if self._process is None:
            raise RuntimeError("PostgreSQL has not been started")
        return self._process

    def start(self) -> None:
        """Starts it and waits until it accepts connections; after a crash it recovers first.

        Raises: CannotStart, with the end of its log.
        """
        if self.is_new:
            self._create_data()
        else:
            self._require_same_major()
            if self._folder.passwords_are_new:
                self.renew_passwords(self._data_dir)
        for _ in range(_PORT_ATTEMPTS):
            port = self._port or free_port(self._folder.preferred_port(self.name))
            self._process = self._launch(port)
            if self._wait_until_ready():
                # Its checkpointer starts during recovery, when it ignores archive_timeout, and sleeps for five minutes:
                # a reload wakes it.
                self._process.send_signal(signal.SIGHUP)
                self._port = port
                self._folder.remember_port(self.name, self._port)
                return
            stop(self._process, _STOP_SIGNALS)
        log_file = self._folder.log_file(self.name)
        raise CannotStart(f"PostgreSQL did not start. The end of {log_file}:\n{last_lines(log_file)}")

    def stop(self) -> None:
        if self._process:
            stop(self._process, _STOP_SIGNALS)

    def _require_same_major(self) -> None:
        found = (self._data_dir / "PG_VERSION").read_text().strip()
        installed = str(self._programs.postgres_major)
        if found != installed:
            raise CannotStart(
                f"{self._data_dir} was created by PostgreSQL {found}, but PostgreSQL {installed} is installed.\n"
                "Set OMS_DATA_DIR to a new folder, and move the data with pg_dump if you need it."
            )

    def _create_data(self) -> None:
        """Creates the data in a temporary folder and moves them when complete, so that no half-made data remain."""
        unfinished = self._folder.unfinished_database_dir
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        password_file = self._folder.path / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._folder.password(OWNER_ROLE))
        if self._account:
            for path in (unfinished, password_file):
                os.chown(path, self._account.uid, self._account.gid)
        self._run([self._programs.initdb, "-D", unfinished, f"--pwfile={password_file}", *_INITDB])
        password_file.unlink()
        roles = (f"CREATE ROLE {APP_ROLE} LOGIN", self._new_password(APP_ROLE))
        self._single_user(unfinished, *roles, f"CREATE DATABASE {DATABASE}", *_REVOKED)
        unfinished.rename(self._data_dir)

    def renew_passwords(self, data_dir: Path) -> None:
        """Sets the passwords of this folder in data from elsewhere. No server may run on the data."""
        self._single_user(data_dir, *map(self._new_password, (OWNER_ROLE, APP_ROLE)))

    def _new_password(self, role: str) -> str:
        return f"ALTER ROLE {role} PASSWORD '{self._folder.password(role)}'"

    def _single_user(self, data_dir: Path, *statements: str) -> None:
        arguments = [f"--{name}={value}" for name, value in _LOGGING.items()]
        lines = "".join(f"{statement}\n" for statement in statements)
        self._run([self._programs.postgres, "--single", *arguments, "-D", data_dir, "postgres"], lines)

    def _run(self, command: list[str | Path], text: str = "") -> None:
        log_file = self._folder.log_file(self.name)
        process = spawn(
            command,
            account=self._account,
            log_file=log_file,
            environment=_CLEAN_ENVIRONMENT,
            working_dir=_ROOT_DIR,
            stdin_pipe=True,
        )
        self._folder.record_child(process.pid)
        process.communicate(text.encode())
        if process.returncode:
            program = Path(command[0]).name
            raise CannotStart(f"{program} failed. The end of {log_file}:\n{last_lines(log_file)}")

    def _launch(self, port: int) -> subprocess.Popen[bytes]:
        settings = {**({} if self._durable else _NOT_DURABLE), **self._archiving, "port": str(port)}
        process = launch(
            self._programs.postgres,
            self._data_dir,
            settings,
            account=self._account,
            log_file=self._folder.log_file(self.name),
        )
        self._folder.record_child(process.pid)
        return process

    def _wait_until_ready(self) -> bool:
        """Reads the status from PostgreSQL's pid file; False if the process has ended."""
        pid_file = self._data_dir / "postmaster.pid"
        deadline = time.monotonic() + _START_TIMEOUT_S
        while self.process.poll() is None and time.monotonic() < deadline:
            lines = pid_file.read_text().splitlines() if pid_file.exists() else []
            if len(lines) >= 8 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready":
                return True
            time.sleep(0.02)
        return False


def launch(
    program: Path, data_dir: Path, settings: Mapping[str, str], *, account: Account | None, log_file: Path
) -> subprocess.Popen[bytes]:
    """Starts PostgreSQL on the data, with these settings and those of every instance."""
    arguments = [f"--{name}={value}" for name, value in {**_SETTINGS, **_LOGGING, **settings}.items()]
    return spawn(
        [program, "-D", data_dir, *arguments],
        account=account,
        log_file=log_file,
        environment=_CLEAN_ENVIRONMENT,
        working_dir=_ROOT_DIR,
        orphan_signal=signal.SIGINT,
    )
