"""Static files under names that change with their content, so that browsers may keep them for ever."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from oms.settings import PROJECT_DIR

STATIC: Final = PROJECT_DIR / "static"
_DIGEST_LENGTH: Final = 12
_FOR_EVER: Final = "public, max-age=31536000, immutable"


@lru_cache(maxsize=256)
def asset(name: str) -> str:
    """Where a file of static/ is served: app.css at /static/0f3a…/app.css. Raises OSError if there is no such file."""
    return f"/static/{_digest(STATIC / name)}/{name}"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:_DIGEST_LENGTH]


class Assets(StaticFiles):
    """Serves static/; a first folder that is a digest is left out, and what is asked for with one is kept for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        first, _, rest = path.partition("/")
        if not rest or len(first) != _DIGEST_LENGTH or not all(c in "0123456789abcdef" for c in first):
            return await super().get_response(path, scope)
        response = await super().get_response(rest, scope)
        if asset(rest).split("/")[2] == first:
            response.headers["Cache-Control"] = _FOR_EVER
        return response
