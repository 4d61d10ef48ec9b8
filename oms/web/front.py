"""What stands around API and pages: whether the process lives and is ready, and what no route answers."""

from typing import Final

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from oms.db import Database
from oms.web.graphql_errors import ErrorCode, RequestRefused, refusal_of
from oms.web.graphql_http import json_response, refusal_response

_CODES: Final = {404: ErrorCode.NOT_FOUND}


def front_routes(db: Database) -> list[BaseRoute]:
    """`/health` and `/ready`, for what watches over the process."""

    async def ready(_request: Request) -> Response:
        try:
            async with db.reading() as conn:
                await conn.execute(text("SELECT 1"))
        except (SQLAlchemyError, OSError) as error:
            return refusal_response(refusal_of(error))
        return json_response({"status": "ready"}, 200)

    return [
        Route("/health", _health),
        Route("/ready", ready),
    ]


async def _health(_request: Request) -> Response:
    return json_response({"status": "alive"}, 200)


async def refuse(_request: Request, error: Exception) -> Response:
    """What no route answers, in the same form as the API's refusals."""
    if not isinstance(error, HTTPException):
        return refusal_response(refusal_of(error))
    code = _CODES.get(error.status_code, ErrorCode.INVALID)
    return refusal_response(RequestRefused(error.status_code, code, error.detail, headers=error.headers))
