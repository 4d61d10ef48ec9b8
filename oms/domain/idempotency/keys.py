"""A command sent with an Idempotency-Key takes effect once; its repeats answer for the same effect."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from oms.domain.access.permissions import Viewer
from oms.domain.idempotency import store
from oms.platform.db import Tx


class KeyInUse(Exception):
    """The first request with this key is still running (HTTP 409): ask again in a moment."""


class KeyReused(Exception):
    """The key came with another body before (HTTP 422): use a new key for a new request."""


@dataclass(frozen=True, slots=True)
class RepeatKey:
    """The header's value and what identifies the request's content."""

    key: str
    body_hash: bytes

    @classmethod
    def of(cls, key: str, body: bytes) -> "RepeatKey":
        return cls(key, hashlib.sha256(body).digest())


@dataclass(frozen=True, slots=True)
class Keyed:
    """A command with a key, and whose it is: each caller's keys are their own."""

    caller: str
    repeat: RepeatKey


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a command affected when it was carried out."""

    subject: Any


async def once(tx: Tx, viewer: Viewer, key: RepeatKey | None, act: Callable[[], Awaitable[Any]]) -> Any:
    """Carries out `act`, or answers what it affected when it ran before; refused acts are not remembered.

    `act` answers a JSON value that names its subject. Raises KeyInUse or KeyReused.
    """
    if key is None:
        return await act()
    keyed = Keyed(viewer.principal, key)
    for earlier in (await answered_before(tx, {0: keyed})).values():
        if isinstance(earlier, Earlier):
            return earlier.subject
        raise earlier
    subject = await act()
    await remember(tx, {keyed: subject})
    return subject


async def answered_before(tx: Tx, asked: Mapping[int, Keyed]) -> dict[int, Earlier | KeyInUse | KeyReused]:
    """Those of the commands that are not to be carried out now, and why. The keys of the others are locked."""
    if not asked:
        return {}
    locked = await store.try_lock(tx, {(keyed.caller, keyed.repeat.key) for keyed in asked.values()})
    found = await store.find(tx, locked)
    answers: dict[int, Earlier | KeyInUse | KeyReused] = {}
    for place, keyed in asked.items():
        key = (keyed.caller, keyed.repeat.key)
        if key in found:
            body_hash, subject = found[key]
            answers[place] = Earlier(subject) if body_hash == keyed.repeat.body_hash else KeyReused()
        elif key in locked:
            locked.remove(key)  # for the first that came with it
        else:
            answers[place] = KeyInUse()
    return answers


async def remember(tx: Tx, subjects: Mapping[Keyed, Any]) -> None:
    """What the commands affected, for their repeats."""
    if subjects:
        rows = [(keyed.caller, keyed.repeat.key, keyed.repeat.body_hash, it) for keyed, it in subjects.items()]
        await store.add(tx, rows)
