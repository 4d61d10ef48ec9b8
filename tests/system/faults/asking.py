"""How everybody asks: over HTTP, again and again until the truth is known, and with a memory of what was told."""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from oms.tools.replay.connection import Connections

PATIENCE_S: Final = 20.0
"""How long a caller waits for one answer, after which its outcome is unknown."""

FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 0.5

TRUTH_WITHIN_S: Final = 180.0
"""Faults are shorter than this: who does not know the truth by then never learns it."""


_NUMBER: Final = re.compile("[0-9a-f]{16}")
"""Of a fault in the log: what is told twice differs only by it."""


class NeverTold(Exception):
    """The truth about a request could not be learned by repeating it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a field of a document came to: its payload, and the codes of its refusal if it was refused."""

    payload: Any
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Placing:
    """One attempt to place an order, for the measure of recovery. Instants of the monotonic clock."""

    began_s: float
    ended_s: float
    well: bool


@dataclass(frozen=True, slots=True)
class CourierAction:
    """What somebody did or was refused, as the trail would tell it."""

    event: str
    actor: str
    subject: str


@dataclass(slots=True)
class Ledger:
    """What all callers were told."""

    operations: Counter[str] = field(default_factory=Counter)
    orders: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    """By reference: the id, and the input that was acknowledged."""
    refused_references: set[str] = field(default_factory=set)
    done: Counter[CourierAction] = field(default_factory=Counter)
    placings: list[Placing] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    unexpected: Counter[str] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        return sum(self.operations.values())

    def complain(self, what: str) -> None:
        self.violations.append(what)


class Caller:
    """One person or machine with a token and a connection of their own."""

    def __init__(self, name: str, url: str, token: str, ledger: Ledger, chance: random.Random) -> None:
        self.name = name
        self.ledger = ledger
        self.chance = chance
        self._connections = Connections(url, PATIENCE_S)
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self._keys = 0

    async def close(self) -> None:
        await self._connections.__aexit__()

    def key(self) -> str:
        """A new idempotency key."""
        self._keys += 1
        return f"{self.name}-{self._keys}"

    async def ask(self, document: str, variables: Mapping[str, Any], *, key: str | None = None) -> Answer:
        """The answer of the document's only field, however often it has to be asked for. Raises NeverTold."""
        body = orjson.dumps({"query": document, "variables": variables})
        headers = self._headers | ({"idempotency-key": f'"{key}"'} if key else {})
        give_up_at_s = time.monotonic() + TRUTH_WITHIN_S
        pause_s = FIRST_PAUSE_S
        while time.monotonic() < give_up_at_s:
            began_s = time.monotonic()
            answer = await self._attempt(headers, body, mutates=document.startswith("mutation"))
            if "placeOrder(" in document:
                self.ledger.placings.append(Placing(began_s, time.monotonic(), answer is not None))
            if answer is not None:
                return answer
            await asyncio.sleep(pause_s * self.chance.uniform(0.5, 1.5))
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        raise NeverTold(f"{self.name} never learned what became of {document[:60]} {variables}")

    async def _attempt(self, headers: Mapping[str, str], body: bytes, *, mutates: bool) -> Answer | None:
        """None where the outcome stayed unknown, which is counted and never taken for a failure."""
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
            self._faulty(reply.status, errors, mutates=mutates)
            return None
        [payload] = content["data"].values()
        problems = payload.get("userErrors", []) if mutates else []
        self.ledger.operations["refused" if problems else "carried out" if mutates else "read"] += 1
        return Answer(payload, tuple(problem["code"] for problem in problems))

    def _faulty(self, status: int, errors: list[Any], *, mutates: bool) -> None:
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
        """Told as a failure though nobody knows that it failed, or as the caller's fault though it is not."""
        self.ledger.operations["unexpected"] += 1
        without_number = _NUMBER.sub("…", what)
        if without_number not in self.ledger.unexpected:
            self.ledger.complain(f"{self.name} was told: {what}")
        self.ledger.unexpected[without_number] += 1
