"""Both engines as one context manager."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from oms.platform.grants import APP_ROLE, OWNER_ROLE
from oms.tools.dev_services.embedded.account import account_for
from oms.tools.dev_services.embedded.backup import BackupFolder
from oms.tools.dev_services.embedded.folder import DataFolder
from oms.tools.dev_services.embedded.postgres import PostgresServer
from oms.tools.dev_services.embedded.programs import programs_for
from oms.tools.dev_services.embedded.valkey import ValkeyServer


class Server(Protocol):
    """An engine that can be started, restarted after a crash, and stopped."""

    name: str

    @property
    def process(self) -> subprocess.Popen[bytes]: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...


def _silent(_: str) -> None:
    """Ignores the steps."""


class Engines:
    """PostgreSQL and Valkey in a data folder, running within a context. An engine whose URL is given is not started.

    `database_url`: for the application; `owner_url`: for migrations. `backup_dir`: PostgreSQL archives every change
    there. `durable=False`: a power cut may lose data, for tests. `step` is called before each step that takes time.
    Enter it from the main thread: on Linux, the engines end with the thread that started them.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        durable: bool = True,
        database_url: str | None = None,
        owner_url: str | None = None,
        redis_url: str | None = None,
        backup_dir: Path | None = None,
        step: Callable[[str], None] = _silent,
    ) -> None:
        """Raises: CannotStart if the folder is in use or cannot be used."""
        self.folder = DataFolder(data_dir)
        self.servers: list[Server] = []
        self.database_url = database_url or ""
        self.owner_url = owner_url or self.database_url
        self.redis_url = redis_url or ""
        self._durable = durable
        self._backups = BackupFolder(backup_dir) if backup_dir else None
        self._step = step

    def __enter__(self) -> Self:
        """Raises: CannotStart, after stopping everything."""
        self.folder.__enter__()
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in reversed(self.servers):
            server.stop()
        self.folder.__exit__(kind, error, trace)

    def _start(self) -> None:
        if self.database_url and self.redis_url:
            return
        account = account_for(self.folder.database_dir)
        if account:
            account.require_entry(self.folder.path)
        programs = programs_for(account, self.folder)
        if not self.database_url:
            if self._backups:
                self._backups.prepare(account)
            archiving = self._backups.archiving() if self._backups else None
            postgres = PostgresServer(self.folder, programs, account, durable=self._durable, archiving=archiving)
            self._start_server(postgres, "PostgreSQL, creating its data" if postgres.is_new else "PostgreSQL")
            self.database_url, self.owner_url = postgres.url_of(APP_ROLE), postgres.url_of(OWNER_ROLE)
        if not self.redis_url:
            valkey = ValkeyServer(self.folder, programs, account)
            self._start_server(valkey, "Valkey")
            self.redis_url = valkey.url

    def _start_server(self, server: Server, step: str) -> None:
        self._step(step)
        self.servers.append(server)
        server.start()
