"""What stands around API and pages: whether the process lives and is ready, and what no route answers."""

import asyncio
import time
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from oms.db import Database
from oms.settings import Settings
from oms.web.graphql_errors import ErrorCode, RequestRefused, refusal_of
from oms.web.graphql_http import json_response, refusal_response
from oms.web.headers import SafeHeaders
from oms.web.hosts import OwnHosts

READY_KEPT_S: Final = 1.0
"""How long `/ready` answers the same without asking the database: anybody may ask it, as often as they like."""

_CODES: Final = {404: ErrorCode.NOT_FOUND}


class Front(Starlette):
    """Starlette's application inside of what holds of every answer, those to its own failures included."""

    def __init__(self, settings: Settings, **options: Any) -> None:
        super().__init__(exception_handlers={HTTPException: refuse, Exception: refuse}, **options)
        self._settings = settings

    def build_middleware_stack(self) -> ASGIApp:
        """Around all of it: middleware that is given to Starlette does not see what an uncaught exception answers."""
        inside = OwnHosts(super().build_middleware_stack(), self._settings.allowed_hosts)
        return SafeHeaders(inside, https=not self._settings.demo)


def front_routes(db: Database) -> list[BaseRoute]:
    """`/health` and `/ready`, for what watches over the process."""
    return [
        Route("/health", _health),
        Route("/ready", _Readiness(db).tell),
    ]


class _Readiness:
    """Whether the database answers; however many ask at once, it is asked once."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._refusal: RequestRefused | None = None
        self._kept_until_s = 0.0
        self._asking = asyncio.Lock()

    async def tell(self, _request: Request) -> Response:
        async with self._asking:
            if self._kept_until_s <= time.monotonic():
                self._refusal = await self._asked()
                self._kept_until_s = time.monotonic() + READY_KEPT_S
            refusal = self._refusal
        return refusal_response(refusal) if refusal else json_response({"status": "ready"}, 200)

    async def _asked(self) -> RequestRefused | None:
        try:
            async with self._db.reading() as conn:
                await conn.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError) as error:
            return refusal_of(error)
        return None


async def _health(_request: Request) -> Response:
    return json_response({"status": "alive"}, 200)


async def refuse(_request: Request, error: Exception) -> Response:
    """What no route answers, in the same form as the API's refusals."""
    if not isinstance(error, HTTPException):
        return refusal_response(refusal_of(error))
    code = _CODES.get(error.status_code, ErrorCode.INVALID)
    return refusal_response(RequestRefused(error.status_code, code, error.detail, headers=error.headers))
