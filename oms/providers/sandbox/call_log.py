"""The sandbox's own storage: one SQLite file with one table, the log of every call.

The log is also the state: the effect of a key is its only EFFECT row, which a unique index guards. So no state can
contradict the log. Several processes may use one file at the same time.
"""

import asyncio
import random
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_random

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS calls (
    id INTEGER PRIMARY KEY,
    called_at TEXT NOT NULL,
    operation TEXT NOT NULL CHECK (operation IN ('invoice', 'charge', 'refund', 'book', 'release')),
    key TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('EFFECT', 'REPEAT', 'REJECTED', 'FAILED')),
    request TEXT NOT NULL,
    answer TEXT,
    error TEXT,
    answer_lost INTEGER NOT NULL CHECK (answer_lost IN (0, 1)),
    charge_key TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS one_effect_per_key ON calls (operation, key) WHERE outcome = 'EFFECT';
CREATE INDEX IF NOT EXISTS refunds_of_charge ON calls (charge_key) WHERE charge_key IS NOT NULL;
CREATE TRIGGER IF NOT EXISTS calls_are_never_changed BEFORE UPDATE ON calls
    BEGIN SELECT RAISE(ABORT, 'the log of calls is append-only'); END;
CREATE TRIGGER IF NOT EXISTS calls_are_never_deleted BEFORE DELETE ON calls
    BEGIN SELECT RAISE(ABORT, 'the log of calls is append-only'); END;
"""


FIRST_PAUSE_S: Final = 0.000_2
MAX_PAUSE_S: Final = 0.005


class Outcome(StrEnum):
    """The outcome of a call."""

    EFFECT = "EFFECT"
    """Executed, or declined for good: every repeat gets this answer."""
    REPEAT = "REPEAT"
    """Answered with the earlier effect; nothing further happened."""
    REJECTED = "REJECTED"
    """An invalid request: nothing happened."""
    FAILED = "FAILED"
    """An injected failure: nothing happened."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One call to log. `request` and `answer` are JSON; a refund has its `charge_key`."""

    operation: str
    key: str
    outcome: Outcome
    request: str
    answer: str | None = None
    error: str | None = None
    answer_lost: bool = False
    charge_key: str | None = None


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """One logged call, numbered in the order of effect."""

    id: int
    called_at: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class Effect:
    """The request and the answer that took effect for a key, as JSON."""

    request: str
    answer: str


class CallLog:
    """The open file. Not for several threads; a process opens it after it was forked."""

    def __init__(self, path: Path, *, busy_timeout_s: float = 5.0) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)  # it contains addresses; SQLite's other files get the same mode
        self._connection = sqlite3.connect(path, timeout=0, isolation_level=None)
        self._busy_timeout_s = busy_timeout_s
        # Other processes may be opening the same new file.
        opening = Retrying(
            retry=retry_if_exception_type(sqlite3.OperationalError),
            stop=stop_after_delay(busy_timeout_s),
            wait=wait_random(0.005, 0.05),
            reraise=True,
        )
        opening(self._prepare)

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        # When a commit returns, the operating system has the data, so kill -9 cannot undo it. Only a power cut can
        # lose the last commits; for a sandbox, that is not worth an fsync for each call.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        exists = self._connection.execute(
            "SELECT 1 FROM sqlite_master WHERE name = 'calls_are_never_deleted'"
        ).fetchone()
        if not exists:
            self._connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """A write transaction, which excludes all other writers. An exception rolls it back.

        Nothing may be awaited inside: other calls of this process would then be part of this transaction.
        Raises: sqlite3.OperationalError if other processes keep it locked for too long.
        """
        await self._begin()
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    async def _begin(self) -> None:
        """Begins a transaction; waits for other processes without blocking this process's other calls.

        SQLite's own waiting would block the event loop, and its pauses grow to 100 ms.
        """
        give_up_at_s = time.monotonic() + self._busy_timeout_s
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at_s:
                    raise
            else:
                return
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.5))  # noqa: S311 - spreads the attempts
            pause_s = min(2 * pause_s, MAX_PAUSE_S)

    def effect(self, operation: str, key: str) -> Effect | None:
        row = self._connection.execute(
            "SELECT request, answer FROM calls WHERE operation = ? AND key = ? AND outcome = 'EFFECT'",
            (operation, key),
        ).fetchone()
        return None if row is None else Effect(*row)

    def refunds_of(self, charge_key: str) -> list[str]:
        """The requests of all refunds of this charge that took effect, as JSON."""
        rows = self._connection.execute(
            "SELECT request FROM calls WHERE charge_key = ? AND outcome = 'EFFECT'", (charge_key,)
        )
        return [request for (request,) in rows]

    def append(self, entry: Entry) -> None:
        self._connection.execute(
            "INSERT INTO calls (called_at, operation, key, outcome, request, answer, error, answer_lost,"
            " charge_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
                entry.operation,
                entry.key,
                entry.outcome.value,
                entry.request,
                entry.answer,
                entry.error,
                entry.answer_lost,
                entry.charge_key,
            ),
        )

    def page(self, *, after: int = 0, limit: int = 100, key_prefix: str = "") -> list[LoggedCall]:
        """The next `limit` calls after the id `after`, oldest first, with keys that start with `key_prefix`."""
        rows = self._connection.execute(
            "SELECT id, called_at, operation, key, outcome, request, answer, error, answer_lost, charge_key"
            " FROM calls WHERE id > ? AND substr(key, 1, length(?)) = ? ORDER BY id LIMIT ?",
            (after, key_prefix, key_prefix, limit),
        )
        return [
            LoggedCall(
                number,
                at,
                Entry(operation, key, Outcome(outcome), request, answer, error, bool(lost), charge),
            )
            for number, at, operation, key, outcome, request, answer, error, lost, charge in rows
        ]

    def close(self) -> None:
        self._connection.close()
