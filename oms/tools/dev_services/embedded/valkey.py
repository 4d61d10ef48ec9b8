"""One Valkey server on the loopback address. It stores nothing on disk; durable data are in PostgreSQL."""

import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

from oms.platform.settings import CannotStart
from oms.tools.dev_services.embedded.account import Account
from oms.tools.dev_services.embedded.folder import VALKEY_USER, DataFolder
from oms.tools.dev_services.embedded.ports import LOOPBACK, free_port, last_lines
from oms.tools.dev_services.embedded.process import spawn, stop
from oms.tools.dev_services.embedded.programs import Programs

_START_TIMEOUT_S: Final = 10.0
_PORT_ATTEMPTS: Final = 3
_STOP_SIGNALS: Final = ((signal.SIGTERM, 5.0),)


class ValkeyServer:
    """Password and port are stored in the folder."""

    name = "valkey"

    def __init__(self, folder: DataFolder, programs: Programs, account: Account | None) -> None:
        self._folder = folder
        self._programs = programs
        self._account = account
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0  # kept by a restart, as clients know it

    @property
    def url(self) -> str:
        return f"redis://:{self._folder.password(VALKEY_USER)}@{LOOPBACK}:{self._port}/0"

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """Raises: RuntimeError before the start."""
        if self._process is None:
            raise RuntimeError("Valkey has not been started")
        return self._process

    def start(self) -> None:
        """Raises: CannotStart, with the end of its log."""
        for _ in range(_PORT_ATTEMPTS):
            port = self._port or free_port(self._folder.preferred_port(self.name))
            self._process = self._launch(port)
            if self._wait_until_ready(port):
                self._port = port
                self._folder.remember_port(self.name, self._port)
                return
            stop(self._process, _STOP_SIGNALS)
        log_file = self._folder.log_file(self.name)
        raise CannotStart(f"Valkey did not start. The end of {log_file}:\n{last_lines(log_file)}")

    def stop(self) -> None:
        if self._process:
            stop(self._process, _STOP_SIGNALS)

    def _launch(self, port: int) -> subprocess.Popen[bytes]:
        """Configures it through standard input: every user could read a password in its arguments."""
        process = spawn(
            [self._programs.valkey, "-"],
            account=self._account,
            log_file=self._folder.log_file(self.name),
            working_dir=Path("/"),
            stdin_pipe=True,
        )
        self._folder.record_child(process.pid)
        assert process.stdin  # noqa: S101 - stdin_pipe was set
        with process.stdin as configuration:
            configuration.write(self._configuration(port).encode())
        return process

    def _configuration(self, port: int) -> str:
        return "\n".join(
            (
                f"bind {LOOPBACK}",
                f"port {port}",
                f"requirepass {self._folder.password(VALKEY_USER)}",
                'save ""',
                "appendonly no",
                "daemonize no",
                "",
            )
        )

    def _wait_until_ready(self, port: int) -> bool:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while self.process.poll() is None and time.monotonic() < deadline:
            if self._answers(port):
                return True
            time.sleep(0.01)
        return False

    def _answers(self, port: int) -> bool:
        """Whether the server on this port is ours: only ours accepts the password."""
        try:
            with socket.create_connection((LOOPBACK, port), timeout=1) as connection:
                connection.sendall(f"AUTH {self._folder.password(VALKEY_USER)}\r\n".encode())
                return connection.recv(16).startswith(b"+OK")
        except OSError:
            return False
