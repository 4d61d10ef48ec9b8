"""The public GraphQL API as one caller sees it: document and variables in, data out, faults repeated."""

import asyncio
import itertools
import random
import time
from collections.abc import Mapping
from typing import Any, Final

import orjson
import structlog

from oms.tools.replay.client.connection import Connections, Reply

log = structlog.get_logger(__name__)

PATH = "/graphql"
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 5.0

PASSING_CODES: Final = {"UNAVAILABLE", "RATE_LIMITED"}
"""GraphQL error codes of outages: the same request is worth repeating until they pass."""

PASSING_STATUSES: Final = {409, 429, 500, 502, 503, 504}
"""HTTP statuses that may pass; 409 says that the same Idempotency-Key is still at work."""

INTERNAL_ATTEMPTS = 5
"""How often a request is sent that meets a fault of its own (INTERNAL): it may pass, or return for ever."""


class ApiFailure(Exception):
    """The API did not carry out a request; the message says why."""


class Rejected(ApiFailure):
    """The API answers, but never carries this out, e.g. for a bad token or document, or a bug of its own."""


class Unanswered(ApiFailure):
    """The API was away for as long as the replay was willing to repeat the request."""


class _Fault(Exception):
    """One attempt failed in a way that may pass.

    is_outage: the server is away, rather than unable to do this; pause_s: how long it wants to be left alone.
    """

    def __init__(self, why: str, *, is_outage: bool, pause_s: float = 0.0) -> None:
        super().__init__(why)
        self.is_outage = is_outage
        self.pause_s = pause_s


class Api:
    """One caller, known by its token. What meets a fault is repeated, with back-off, for repeat_for_s."""

    def __init__(self, connections: Connections, token: str, *, repeat_for_s: float) -> None:
        self._connections = connections
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self._repeat_for_s = repeat_for_s
        self.repeated_requests = 0

    async def execute(
        self, document: str, variables: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """The response's data. The request must be safe to repeat. Raises: Rejected, Unanswered."""
        body = orjson.dumps({"query": document, "variables": variables})
        headers = self._headers
        if idempotency_key is not None:
            headers = headers | {"idempotency-key": idempotency_key}
        give_up_at = time.monotonic() + self._repeat_for_s
        pause_s = FIRST_PAUSE_S
        for attempt in itertools.count(1):
            try:
                return await self._attempt(headers, body)
            except _Fault as fault:
                pause_s = max(fault.pause_s, min(pause_s * 2, LONGEST_PAUSE_S))
                if not fault.is_outage and attempt >= INTERNAL_ATTEMPTS:
                    raise Rejected(str(fault)) from fault
                if time.monotonic() + pause_s > give_up_at:
                    raise Unanswered(str(fault)) from fault
                log.debug("A request is repeated.", why=str(fault), pause_s=pause_s)
            self.repeated_requests += 1
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads repeats, guards nothing
        raise AssertionError("itertools.count ended")

    async def _attempt(self, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        try:
            reply = await self._connections.post(PATH, headers, body)
        except OSError as error:
            raise _Fault(f"no answer ({str(error) or type(error).__name__})", is_outage=True) from error
        if reply.status in PASSING_STATUSES:
            pause_s = _retry_after_s(reply)
            raise _Fault(f"HTTP {reply.status}: {_excerpt(reply)}", is_outage=reply.status != 500, pause_s=pause_s)
        try:
            content = orjson.loads(reply.body)
        except orjson.JSONDecodeError as error:
            raise Rejected(f"HTTP {reply.status}, not JSON: {_excerpt(reply)}") from error
        return _data(reply, content)


def _data(reply: Reply, content: Any) -> dict[str, Any]:
    errors = content.get("errors") if isinstance(content, dict) else None
    if errors:
        codes = {str(error.get("extensions", {}).get("code")) for error in errors}
        problem = f"{', '.join(sorted(codes))}: {errors[0].get('message')}"
        if codes & PASSING_CODES or "INTERNAL" in codes:
            raise _Fault(problem, is_outage="INTERNAL" not in codes)
        raise Rejected(problem)
    if reply.status != 200 or not isinstance(content, dict) or not isinstance(content.get("data"), dict):
        raise Rejected(f"HTTP {reply.status}: {_excerpt(reply)}")
    data: dict[str, Any] = content["data"]
    return data


def _retry_after_s(reply: Reply) -> float:
    """The Retry-After header, where it is a number of seconds; its other form, a date, is not waited for."""
    value = reply.headers.get("retry-after", "")
    return float(value) if value.isdigit() else 0.0


def _excerpt(reply: Reply) -> str:
    return reply.body[:200].decode("utf-8", "replace")
