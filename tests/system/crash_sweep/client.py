"""A client as a real one should be: without an answer it repeats the request with the same key until there is one."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Self

import httpx

TIMEOUT_S: Final = 20.0
_PAUSE_S: Final = 0.02
_RETRY: Final = (409, 503)
"""The first request is still running, or the database is unavailable: both answers ask for a repeat."""


class Unanswered(AssertionError):
    """No repeat of a request was answered."""


class Refusal(AssertionError):
    """A command, or its repeat, was refused and should not have been."""


class Client:
    """Sends requests to one web process on a port. `revive` restarts it after it was killed."""

    def __init__(self, port: int, tokens: Mapping[str, str], revive: Callable[[], Awaitable[bool]]) -> None:
        self._http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10)
        self._tokens = tokens
        self._revive = revive

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def request(self, role: str, document: str, *, key: str | None = None, **variables: Any) -> Any:
        """Returns the value of the only root field. Raises Refusal or Unanswered."""
        headers = {"Authorization": f"Bearer {self._tokens[role]}"}
        if key:
            headers["Idempotency-Key"] = f'"{key}"'
        response = await self._answer({"query": document, "variables": variables}, headers)
        body = response.json()
        if body.get("errors"):
            raise Refusal(str(body["errors"]))
        (payload,) = body["data"].values()
        if payload["userErrors"]:
            raise Refusal(f"{payload['userErrors']} for {variables}")
        return payload

    async def _answer(self, request: Mapping[str, Any], headers: Mapping[str, str]) -> httpx.Response:
        last = "nothing"
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while True:
                    try:
                        response = await self._http.post("/graphql", json=request, headers=headers)
                        if response.status_code not in _RETRY:
                            return response
                        last = f"{response.status_code} {response.text}"
                    except httpx.TransportError as error:
                        last = repr(error)
                        await self._revive()
                    await asyncio.sleep(_PAUSE_S)
        except TimeoutError as error:
            raise Unanswered(f"no answer within {TIMEOUT_S:g} s, last: {last}") from error
