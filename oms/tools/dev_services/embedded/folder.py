"""The data folder: one supervisor at a time, its secrets and ports, and the processes it must answer for."""

import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from oms.platform.grants import APP_ROLE, OWNER_ROLE
from oms.platform.settings import CannotStart
from oms.tools.dev_services.embedded.process import ProcessMark, mark_of, processes_working_in, stop_strangers

_ORPHAN_PATIENCE_S: Final = 10.0

LARGEST_LOG_BYTES: Final = 16 * 1024 * 1024
"""Of each engine's log; as much again is kept of what came before."""

VALKEY_USER: Final = "default"
ENGINE_USERS: Final = (OWNER_ROLE, APP_ROLE, VALKEY_USER)
"""Who has a password of their own."""


@dataclass(frozen=True, slots=True)
class RunningInstance:
    """Where a running instance can be reached. `port` is 0 as long as no web server listens."""

    supervisor: ProcessMark
    database_url: str = ""
    owner_url: str = ""
    redis_url: str = ""
    host: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True)
class _State:
    """What `state.json` holds. The first two are made once and kept; the others describe one run."""

    passwords: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    running: RunningInstance | None = None
    children: tuple[ProcessMark, ...] = field(default=())


def running_instance(data_dir: Path) -> RunningInstance | None:
    """The instance that runs in a folder now, or None.

    Raises: CannotStart if the folder belongs to somebody who keeps it closed.
    """
    running = _read(data_dir / "state.json").running
    return running if running and running.supervisor.find() else None


class DataFolder:
    """Held by one process at a time, by an flock, which the system releases however that process ends."""

    def __init__(self, path: Path) -> None:
        """Raises: CannotStart if another instance holds it, or it cannot be made or written."""
        self.path = path = path.resolve()
        try:
            _make(path)
            (path / "lock").touch(mode=0o600)  # who may read it may hold it
            self._lock: IO[bytes] = (path / "lock").open("ab")
            (path / "logs").mkdir(mode=0o700, exist_ok=True)
        except OSError as problem:
            raise CannotStart(
                f"The data folder {path} cannot be used: {problem.strerror}.\nSet OMS_DATA_DIR to a folder of your own."
            ) from problem
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise CannotStart(_in_use(path)) from None
        self._state = _read(self._state_file)

    def __enter__(self) -> Self:
        self.stop_orphans()
        self.passwords_are_new = not self._state.passwords
        self._update(
            passwords=self._state.passwords or {user: secrets.token_urlsafe(24) for user in ENGINE_USERS},
            running=RunningInstance(mark_of(os.getpid())),
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._update(running=None, children=())
        self._lock.close()

    @property
    def database_dir(self) -> Path:
        return self.path / "postgres"

    @property
    def unfinished_database_dir(self) -> Path:
        return self.path / "postgres-unfinished"

    @property
    def _state_file(self) -> Path:
        return self.path / "state.json"

    def password(self, user: str) -> str:
        """Of one of ENGINE_USERS; only who may read this folder knows it."""
        return self._state.passwords[user]

    def log_file(self, name: str) -> Path:
        return self.path / "logs" / f"{name}.log"

    def bound_logs(self) -> None:
        """Puts aside what is too long, in place of what was put aside before; its writers go on at its start.

        A line written in the very moment between may be lost.
        """
        for log in (self.path / "logs").glob("*.log"):
            if log.stat().st_size > LARGEST_LOG_BYTES:
                shutil.copyfile(log, log.with_suffix(".log.1"))
                os.truncate(log, 0)

    def stop_orphans(self) -> None:
        """End what a killed supervisor left running. Holding the lock we know that nobody else wants it."""
        recorded = [process for mark in self._state.children if (process := mark.find())]
        backends = processes_working_in(self.database_dir, self.unfinished_database_dir)
        stop_strangers({*recorded, *backends}, _ORPHAN_PATIENCE_S)
        (self.database_dir / "postmaster.pid").unlink(missing_ok=True)  # its number may be anybody's by now

    def record_child(self, pid: int) -> None:
        """Answer for a child from now on; those that have ended meanwhile are forgotten."""
        alive = tuple(mark for mark in self._state.children if mark.find())
        self._update(children=(*alive, mark_of(pid)))

    def remember_port(self, server: str, port: int) -> None:
        """Prefer this port at the next start. Server is postgres or valkey."""
        self._update(ports={**self._state.ports, server: port})

    def preferred_port(self, server: str) -> int:
        """The port of the last run, 0 if there was none."""
        return self._state.ports.get(server, 0)

    def announce(self, **where: Any) -> None:
        """Let other commands find us: any of RunningInstance's fields."""
        assert self._state.running  # noqa: S101 - set on entering
        self._update(running=replace(self._state.running, **where))

    def _update(self, **changes: Any) -> None:
        self._state = replace(self._state, **changes)
        fresh = self._state_file.with_suffix(".new")
        fresh.touch(mode=0o600)
        with fresh.open("w") as file:
            json.dump(asdict(self._state), file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        owner = self.path.stat()
        if os.geteuid() == 0:
            os.chown(fresh, owner.st_uid, owner.st_gid)
        fresh.replace(self._state_file)


def _make(path: Path) -> None:
    """Root's folder lets the database's user pass through; anybody else's is closed."""
    if not path.exists():
        path.mkdir(parents=True)
        path.chmod(0o711 if os.geteuid() == 0 else 0o700)


def _in_use(path: Path) -> str:
    instance = _settled_instance(path)
    if not instance:
        return f"The data folder {path} is in use by an instance that is just starting or stopping. Try again."
    pid = instance.supervisor.pid
    where = f", listening on port {instance.port}" if instance.port else ""
    return (
        f"The data folder {path} is in use by a running instance (process {pid}{where}).\n"
        f"Stop it (kill {pid}), or set OMS_DATA_DIR and OMS_PORT to start another beside it."
    )


def _settled_instance(path: Path, patience_s: float = 1.0) -> RunningInstance | None:
    """The holder of the lock; one that took it this moment writes its name an instant later."""
    deadline = time.monotonic() + patience_s
    while not (instance := running_instance(path)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return instance


def _read(state_file: Path) -> _State:
    try:
        state = _parsed(json.loads(state_file.read_text()))
    except FileNotFoundError:
        return _State()
    except PermissionError as problem:
        raise CannotStart(
            f"{state_file} belongs to another user.\n"
            "Run this as that user, or set OMS_DATA_DIR to the folder of an instance of your own."
        ) from problem
    except (ValueError, LookupError, TypeError) as problem:
        raise CannotStart(
            f"{state_file} is damaged. Remove it: passwords and ports are made anew, the data stays."
        ) from problem
    return state


def _parsed(raw: Any) -> _State:
    running = raw["running"]
    return _State(
        passwords=raw["passwords"],
        ports=raw["ports"],
        running=RunningInstance(**{**running, "supervisor": ProcessMark(**running["supervisor"])}) if running else None,
        children=tuple(ProcessMark(**child) for child in raw["children"]),
    )
