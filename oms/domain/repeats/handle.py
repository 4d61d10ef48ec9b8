"""A command sent with an Idempotency-Key takes effect once; its repeats answer for the same effect."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from oms.db import Tx
from oms.domain.access.model import Viewer
from oms.domain.repeats import store


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


async def once(tx: Tx, viewer: Viewer, key: RepeatKey | None, act: Callable[[], Awaitable[Any]]) -> Any:
    """Carries out `act`, or answers what it affected when it ran before; refused acts are not remembered.

    `act` answers a JSON value that names its subject. Raises KeyInUse or KeyReused.
    """
    if key is None:
        return await act()
    caller = viewer.principal
    if not await store.try_lock(tx, caller, key.key):
        raise KeyInUse
    earlier = await store.find(tx, caller, key.key)
    if earlier is None:
        subject = await act()
        await store.add(tx, caller, key.key, key.body_hash, subject)
        return subject
    body_hash, subject = earlier
    if body_hash != key.body_hash:
        raise KeyReused
    return subject
