"""A client of the public GraphQL API that retries failed requests."""

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
MAX_PAUSE_S = 5.0

RETRIED_CODES: Final = {"UNAVAILABLE", "RATE_LIMITED"}
"""GraphQL error codes of outages: the same request is retried."""

RETRIED_STATUSES: Final = {409, 429, 500, 502, 503, 504}
"""HTTP statuses of temporary failures; 409: a request with the same Idempotency-Key is still running."""

MAX_INTERNAL_ATTEMPTS = 5
"""Attempts of a request that fails with INTERNAL: this may be temporary or permanent."""


class ApiFailure(Exception):
    """The API did not execute a request; the message says why."""


class Rejected(ApiFailure):
    """The API refuses the request for good, for example because of an invalid token or document, or a bug."""


class Unanswered(ApiFailure):
    """The API was unavailable for longer than the replay retries."""


class _AttemptFailed(Exception):
    """One attempt failed, and a retry may succeed.

    `is_outage`: the server is unavailable, rather than unable to do this. `pause_s`: the delay that it requested.
    """

    def __init__(self, why: str, *, is_outage: bool, pause_s: float = 0.0) -> None:
        super().__init__(why)
        self.is_outage = is_outage
        self.pause_s = pause_s


class Api:
    """One caller, identified by its token. Failed requests are retried with back-off for `retry_for_s`."""

    def __init__(self, connections: Connections, token: str, *, retry_for_s: float) -> None:
        self._connections = connections
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self._retry_for_s = retry_for_s
        self.retried_requests = 0

    async def execute(
        self, document: str, variables: Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Returns the response's data. The request must be safe to repeat. Raises: Rejected, Unanswered."""
        body = orjson.dumps({"query": document, "variables": variables})
        headers = self._headers
        if idempotency_key is not None:
            headers = headers | {"idempotency-key": idempotency_key}
        give_up_at = time.monotonic() + self._retry_for_s
        pause_s = FIRST_PAUSE_S
        for attempt in itertools.count(1):
            try:
                return await self._attempt(headers, body)
            except _AttemptFailed as failure:
                pause_s = max(failure.pause_s, min(pause_s * 2, MAX_PAUSE_S))
                if not failure.is_outage and attempt >= MAX_INTERNAL_ATTEMPTS:
                    raise Rejected(str(failure)) from failure
                if time.monotonic() + pause_s > give_up_at:
                    raise Unanswered(str(failure)) from failure
                log.debug("Request retried", why=str(failure), pause_s=pause_s)
            self.retried_requests += 1
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
        raise AssertionError("itertools.count ended")

    async def _attempt(self, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        try:
            reply = await self._connections.post(PATH, headers, body)
        except OSError as error:
            raise _AttemptFailed(f"no answer ({str(error) or type(error).__name__})", is_outage=True) from error
        if reply.status in RETRIED_STATUSES:
            pause_s = _retry_after_s(reply)
            raise _AttemptFailed(
                f"HTTP {reply.status}: {_excerpt(reply)}", is_outage=reply.status != 500, pause_s=pause_s
            )
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
        if codes & RETRIED_CODES or "INTERNAL" in codes:
            raise _AttemptFailed(problem, is_outage="INTERNAL" not in codes)
        raise Rejected(problem)
    if reply.status != 200 or not isinstance(content, dict) or not isinstance(content.get("data"), dict):
        raise Rejected(f"HTTP {reply.status}: {_excerpt(reply)}")
    data: dict[str, Any] = content["data"]
    return data


def _retry_after_s(reply: Reply) -> float:
    """The Retry-After header if it is a number of seconds. Its other form, a date, is ignored."""
    value = reply.headers.get("retry-after", "")
    return float(value) if value.isdigit() else 0.0


def _excerpt(reply: Reply) -> str:
    return reply.body[:200].decode("utf-8", "replace")
