"""Callers over HTTP: they repeat a request until its outcome is known, and keep a ledger of the answers."""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from oms.tools.replay.client.connection import Connections

TIMEOUT_S: Final = 20.0
"""For one answer; after it the outcome is unknown."""

FIRST_PAUSE_S: Final = 0.05
MAX_PAUSE_S: Final = 0.5

OUTCOME_WITHIN_S: Final = 180.0
"""Faults are shorter than this: a caller that does not know the outcome by then never learns it."""

_CORRELATION_ID: Final = re.compile("[0-9a-f]{16}")
"""The only difference between two messages about the same kind of failure."""


class OutcomeNeverKnown(Exception):
    """Repeating a request did not reveal its outcome."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The payload of a document's field; if it was refused, the codes."""

    payload: Any
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Placing:
    """One attempt to place an order, to measure recovery. Instants of the monotonic clock."""

    started_s: float
    ended_s: float
    answered: bool


@dataclass(frozen=True, slots=True)
class Action:
    """What a command did, as an event records it."""

    event: str
    actor: str
    subject: str


@dataclass(slots=True)
class Ledger:
    """All answers to all callers."""

    operations: Counter[str] = field(default_factory=Counter)
    orders: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    """By reference: the id, and the input that was acknowledged."""
    acknowledged: Counter[Action] = field(default_factory=Counter)
    placings: list[Placing] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    unexpected: Counter[str] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        return sum(self.operations.values())

    def complain(self, what: str) -> None:
        self.violations.append(what)


class Caller:
    """A person or machine with its own token and connections."""

    def __init__(self, name: str, url: str, token: str, ledger: Ledger, chance: random.Random) -> None:
        self.name = name
        self.ledger = ledger
        self.chance = chance
        self._connections = Connections(url, TIMEOUT_S)
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self._keys = 0

    async def close(self) -> None:
        await self._connections.__aexit__()

    def key(self) -> str:
        """A new idempotency key."""
        self._keys += 1
        return f"{self.name}-{self._keys}"

    async def request(self, document: str, variables: Mapping[str, Any], *, key: str | None = None) -> Answer:
        """The answer of the document's only field, after as many repeats as needed. Raises OutcomeNeverKnown."""
        body = orjson.dumps({"query": document, "variables": variables})
        headers = self._headers | ({"idempotency-key": f'"{key}"'} if key else {})
        give_up_at_s = time.monotonic() + OUTCOME_WITHIN_S
        pause_s = FIRST_PAUSE_S
        while time.monotonic() < give_up_at_s:
            started_s = time.monotonic()
            answer = await self._attempt(headers, body, mutates=document.startswith("mutation"))
            if "placeOrder(" in document:
                self.ledger.placings.append(Placing(started_s, time.monotonic(), answer is not None))
            if answer is not None:
                return answer
            await asyncio.sleep(pause_s * self.chance.uniform(0.5, 1.5))
            pause_s = min(2 * pause_s, MAX_PAUSE_S)
        raise OutcomeNeverKnown(f"{self.name} never learned the outcome of {document[:60]} {variables}")

    async def _attempt(self, headers: Mapping[str, str], body: bytes, *, mutates: bool) -> Answer | None:
        """None if the outcome is unknown, which is counted and does not count as a failure."""
        try:
            reply = await self._connections.post("/graphql", headers, body)
        except OSError as error:
            self.ledger.operations["no answer" if isinstance(error, TimeoutError) else "connection broken"] += 1
            return None
        try:
            content = orjson.loads(reply.body)
        except orjson.JSONDecodeError:
            self._unexpected(f"HTTP {reply.status}, not JSON")
            return None
        if errors := content.get("errors"):
            self._failed(reply.status, errors, mutates=mutates)
            return None
        [payload] = content["data"].values()
        problems = payload.get("userErrors", []) if mutates else []
        self.ledger.operations["refused" if problems else "executed" if mutates else "read"] += 1
        return Answer(payload, tuple(problem["code"] for problem in problems))

    def _failed(self, status: int, errors: list[Any], *, mutates: bool) -> None:
        codes = {str(error.get("extensions", {}).get("code")) for error in errors}
        message = str(errors[0].get("message"))
        if codes == {"UNAVAILABLE"}:
            self.ledger.operations["unavailable"] += 1
            if mutates and "again" not in message:
                self._unexpected(f"UNAVAILABLE does not say what to do: {message}")
        elif status == 409 and codes == {"CONFLICT"}:
            self.ledger.operations["still running"] += 1
        else:
            self._unexpected(f"HTTP {status} {', '.join(sorted(codes))}: {message}")

    def _unexpected(self, what: str) -> None:
        """Reported as a failure although the outcome is unknown, or as the caller's mistake although it is not."""
        self.ledger.operations["unexpected"] += 1
        kind = _CORRELATION_ID.sub("…", what)
        if kind not in self.ledger.unexpected:
            self.ledger.complain(f"{self.name} received: {what}")
        self.ledger.unexpected[kind] += 1
