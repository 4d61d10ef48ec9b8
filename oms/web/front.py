"""What stands around the API: the front page, static files, and whether the process lives and is ready."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from oms.db import Database
from oms.settings import PROJECT_DIR
from oms.web.graphql_errors import ErrorCode, RequestRefused, refusal_of
from oms.web.graphql_http import json_response, refusal_response

_FRONT_HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_CODES: Final = {404: ErrorCode.NOT_FOUND}


def front_routes(db: Database) -> list[BaseRoute]:
    """`/` for people, `/health` and `/ready` for what watches over the process."""

    async def ready(_request: Request) -> Response:
        try:
            async with db.reading() as conn:
                await conn.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError) as error:
            return refusal_response(refusal_of(error))
        return json_response({"status": "ready"}, 200)

    return [
        Route("/", _front_page),
        Route("/health", _health),
        Route("/ready", ready),
        Mount("/static", StaticFiles(directory=PROJECT_DIR / "static")),
    ]


async def _front_page(_request: Request) -> Response:
    return FileResponse(PROJECT_DIR / "templates" / "index.html", media_type="text/html", headers=_FRONT_HEADERS)


async def _health(_request: Request) -> Response:
    return json_response({"status": "alive"}, 200)


async def refuse(_request: Request, error: Exception) -> Response:
    """What no route answers, in the same form as the API's refusals."""
    if not isinstance(error, HTTPException):
        return refusal_response(refusal_of(error))
    code = _CODES.get(error.status_code, ErrorCode.INVALID)
    return refusal_response(RequestRefused(error.status_code, code, error.detail, headers=error.headers))
