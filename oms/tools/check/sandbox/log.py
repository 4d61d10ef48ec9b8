"""Reads the sandbox's own log of calls. Source of its format: docs/guides/billing.md, "The log of calls"."""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson

FILE_NAME: Final = "sandbox/sandbox.sqlite"

_SUBJECT: Final = re.compile(
    r"(?<![0-9a-f])([0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12})[_:/#.-]([0-9]{1,6})(?![0-9])"
)
"""A key contains the order's UUID, a separator and the shipment's number."""

_EFFECTS: Final = """
    SELECT id, operation, key, request, answer, charge_key FROM calls
    WHERE outcome = 'EFFECT' AND operation IN ('charge', 'refund', 'book', 'release') ORDER BY id
"""


class UnreadableLog(Exception):
    """The file exists but cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A call that took effect. `subject`: the order and the shipment's number; None if its key names no shipment.

    `granted`: charged or accepted, not declined or refused. `is_early`: it was logged before the database's snapshot
    was taken, so the database must know of it.
    """

    operation: str
    key: str
    subject: tuple[UUID, int] | None
    granted: bool
    amount_minor: int | None
    tracking_number: str | None
    is_early: bool


def last_id(path: Path) -> int | None:
    """The number of the last call; None without a log. Raises: UnreadableLog."""
    if not path.exists():
        return None
    rows = _read(path, "SELECT coalesce(max(id), 0) FROM calls")
    return int(rows[0][0])


def effects(path: Path, *, early_until: int) -> list[Effect]:
    """All calls that took effect, in order; those up to the number `early_until` are early. Raises: UnreadableLog."""
    try:
        return list(_effects(_read(path, _EFFECTS), early_until))
    except (orjson.JSONDecodeError, AttributeError) as problem:
        raise UnreadableLog(f"{path} contains a call that cannot be parsed: {problem}") from problem


def _read(path: Path, query: str) -> Sequence[Any]:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.Error as problem:
        raise UnreadableLog(f"{path}, the sandbox's log, cannot be read: {problem}") from problem


def _effects(rows: Sequence[Any], early_until: int) -> Iterator[Effect]:
    for number, operation, key, request, answer, charge_key in rows:
        requested, answered = orjson.loads(request), orjson.loads(answer or b"null") or {}
        yield Effect(
            operation=operation,
            key=key,
            subject=subject_of(charge_key or key),
            granted=bool(answered.get("succeeded", answered.get("accepted", True))),
            amount_minor=requested.get("amount_minor"),
            tracking_number=answered.get("tracking_number"),
            is_early=number <= early_until,
        )


def subject_of(key: str) -> tuple[UUID, int] | None:
    """The order and the shipment's number that a key names."""
    found = _SUBJECT.search(key)
    return (UUID(found[1]), int(found[2])) if found else None
