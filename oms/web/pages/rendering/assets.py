"""Static files under names that change with their content, so that browsers may cache them for ever."""

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from oms.platform.settings import PROJECT_DIR
from oms.web.pages.rendering.compression import accepts_gzip

STATIC: Final = PROJECT_DIR / "static"
_DIGEST_LENGTH: Final = 12
_TEXTS: Final = (".css", ".js", ".svg")
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_REVALIDATE: Final = "no-cache"


@lru_cache(maxsize=256)
def asset(name: str) -> str:
    """The address of a file of static/: app.js is at /static/0f3a…/app.js. Raises OSError without such a file."""
    return f"/static/{_digest(STATIC / name)}/{name}"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:_DIGEST_LENGTH]


class Assets(StaticFiles):
    """Serves static/. The first folder of an address may be the file's digest; only then it is cached for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        first, _, rest = path.partition("/")
        if not rest or len(first) != _DIGEST_LENGTH or not all(c in "0123456789abcdef" for c in first):
            return _revalidated(await super().get_response(path, scope))
        response = await super().get_response(rest, scope)
        if asset(rest).split("/")[2] != first:
            return _revalidated(response)
        if response.status_code == 200 and accepts_gzip(Request(scope)) and rest.endswith(_TEXTS):
            response = Response(_compressed(rest, first), media_type=response.media_type)
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Cache-Control"] = _FOR_EVER
        response.headers.add_vary_header("Accept-Encoding")
        return response


def _revalidated(response: Response) -> Response:
    """The name stays while the content may change."""
    response.headers["Cache-Control"] = _REVALIDATE
    return response


@lru_cache(maxsize=64)
def _compressed(name: str, _digest: str) -> bytes:
    """At the highest level, because it is done once."""
    return gzip.compress((STATIC / name).read_bytes(), 9)
