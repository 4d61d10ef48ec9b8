"""A command sent with an Idempotency-Key takes effect once; its repeats have the same result."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from oms.domain.access.permissions import Viewer
from oms.domain.idempotency import store
from oms.platform.db import Tx


class KeyInUse(Exception):
    """The first request with this key is still running (HTTP 409): retry in a moment."""


class KeyReused(Exception):
    """The key was used with another body before (HTTP 422): a new request needs a new key."""


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """The header's value, and the hash of the request's content."""

    key: str
    body_hash: bytes

    @classmethod
    def of(cls, key: str, body: bytes) -> "IdempotencyKey":
        return cls(key, hashlib.sha256(body).digest())


@dataclass(frozen=True, slots=True)
class KeyedCommand:
    """A command with a key, and its caller: keys are separate for each caller."""

    caller: str
    key: IdempotencyKey


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a command affected when it ran before."""

    subject: Any


async def once(tx: Tx, viewer: Viewer, key: IdempotencyKey | None, act: Callable[[], Awaitable[Any]]) -> Any:
    """Runs `act`, or returns what it affected when it ran before; refused commands are not remembered.

    `act` returns a JSON value that names its subject. Raises KeyInUse or KeyReused.
    """
    if key is None:
        return await act()
    keyed = KeyedCommand(viewer.principal, key)
    for earlier in (await completed_before(tx, {0: keyed})).values():
        if isinstance(earlier, Earlier):
            return earlier.subject
        raise earlier
    subject = await act()
    await remember(tx, {keyed: subject})
    return subject


async def completed_before(tx: Tx, commands: Mapping[int, KeyedCommand]) -> dict[int, Earlier | KeyInUse | KeyReused]:
    """Those of the commands that must not run now, and why. The keys of the others are locked."""
    if not commands:
        return {}
    locked = await store.try_lock(tx, {(command.caller, command.key.key) for command in commands.values()})
    found = await store.find(tx, locked)
    answers: dict[int, Earlier | KeyInUse | KeyReused] = {}
    for place, command in commands.items():
        key = (command.caller, command.key.key)
        if key in found:
            body_hash, subject = found[key]
            answers[place] = Earlier(subject) if body_hash == command.key.body_hash else KeyReused()
        elif key in locked:
            locked.remove(key)  # for the first command with this key
        else:
            answers[place] = KeyInUse()
    return answers


async def remember(tx: Tx, subjects: Mapping[KeyedCommand, Any]) -> None:
    """Keeps what the commands affected, for their repeats."""
    if subjects:
        rows = [(command.caller, command.key.key, command.key.body_hash, it) for command, it in subjects.items()]
        await store.add(tx, rows)
