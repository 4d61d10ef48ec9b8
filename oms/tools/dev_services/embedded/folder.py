"""The data folder of one supervisor: its lock, passwords, ports and child processes."""

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
from oms.tools.dev_services.embedded.process import ProcessMark, mark_of, processes_working_in, stop_foreign

_ORPHAN_TIMEOUT_S: Final = 10.0

MAX_LOG_BYTES: Final = 16 * 1024 * 1024
"""Of each engine's log; one older log of this size is kept."""

VALKEY_USER: Final = "default"
ENGINE_USERS: Final = (OWNER_ROLE, APP_ROLE, VALKEY_USER)
"""Users with a password each."""


@dataclass(frozen=True, slots=True)
class RunningInstance:
    """The addresses of a running instance. `port`: 0 until the web server listens."""

    supervisor: ProcessMark
    database_url: str = ""
    owner_url: str = ""
    redis_url: str = ""
    host: str = ""
    port: int = 0


@dataclass(frozen=True, slots=True)
class _State:
    """The content of `state.json`. Passwords and ports are kept; the others describe one run."""

    passwords: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    running: RunningInstance | None = None
    children: tuple[ProcessMark, ...] = field(default=())


def running_instance(data_dir: Path) -> RunningInstance | None:
    """The instance that runs in a folder, or None.

    Raises: CannotStart if another user owns the folder.
    """
    running = _read(data_dir / "state.json").running
    return running if running and running.supervisor.find() else None


class DataFolder:
    """Locked by one process at a time, with flock, which the system releases however the process ends."""

    def __init__(self, path: Path) -> None:
        """Raises: CannotStart if another instance has locked it, or it cannot be created or written."""
        self.path = path = path.resolve()
        try:
            _make(path)
            (path / "lock").touch(mode=0o600)  # whoever may read it could lock it
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
        """The password of one of ENGINE_USERS; it is stored only in this folder."""
        return self._state.passwords[user]

    def log_file(self, name: str) -> Path:
        return self.path / "logs" / f"{name}.log"

    def rotate_logs(self) -> None:
        """Copies a log that is too long to its older log and truncates it, as its writers keep it open.

        A line that is written between the two may be lost.
        """
        for log in (self.path / "logs").glob("*.log"):
            if log.stat().st_size > MAX_LOG_BYTES:
                shutil.copyfile(log, log.with_suffix(".log.1"))
                os.truncate(log, 0)

    def stop_orphans(self) -> None:
        """Stops processes that a killed supervisor left behind. By the lock, no other supervisor uses them."""
        recorded = [process for mark in self._state.children if (process := mark.find())]
        backends = processes_working_in(self.database_dir, self.unfinished_database_dir)
        stop_foreign({*recorded, *backends}, _ORPHAN_TIMEOUT_S)
        (self.database_dir / "postmaster.pid").unlink(missing_ok=True)  # another process may have this id by now

    def record_child(self, pid: int) -> None:
        """Records a child, to be stopped if this supervisor is killed. Removes children that have ended."""
        alive = tuple(mark for mark in self._state.children if mark.find())
        self._update(children=(*alive, mark_of(pid)))

    def remember_port(self, server: str, port: int) -> None:
        """Prefer this port at the next start. `server`: postgres or valkey."""
        self._update(ports={**self._state.ports, server: port})

    def preferred_port(self, server: str) -> int:
        """The port of the last run, 0 if there was none."""
        return self._state.ports.get(server, 0)

    def announce(self, **fields: Any) -> None:
        """Publishes fields of RunningInstance for other commands."""
        assert self._state.running  # noqa: S101 - set on entering
        self._update(running=replace(self._state.running, **fields))

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
    """Root's folder can be entered by the database's user; any other is closed to others."""
    if not path.exists():
        path.mkdir(parents=True)
        path.chmod(0o711 if os.geteuid() == 0 else 0o700)


def _in_use(path: Path) -> str:
    instance = _settled_instance(path)
    if not instance:
        return f"The data folder {path} is in use by an instance that is starting or stopping. Try again."
    pid = instance.supervisor.pid
    where = f", listening on port {instance.port}" if instance.port else ""
    return (
        f"The data folder {path} is in use by a running instance (process {pid}{where}).\n"
        f"Stop it (kill {pid}), or set OMS_DATA_DIR and OMS_PORT to start another one."
    )


def _settled_instance(path: Path, timeout_s: float = 1.0) -> RunningInstance | None:
    """The instance with the lock; it records itself shortly after locking."""
    deadline = time.monotonic() + timeout_s
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
            "Run this as that user, or set OMS_DATA_DIR to a folder of your own."
        ) from problem
    except (ValueError, LookupError, TypeError) as problem:
        raise CannotStart(
            f"{state_file} is damaged. Remove it: new passwords and ports are generated, the data stays."
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
