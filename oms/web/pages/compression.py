"""Pages and files go over the wire as gzip to whoever takes it: a third to a fifth of their size.

Nothing that stays the same and is secret stands on a page beside what others could put there: sessions are cookies,
and a form's token is masked anew each time (oms/web/auth/csrf.py).
"""

import gzip
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

SMALLEST_BYTES: Final = 1000
"""Below this a head more costs what is saved."""

_PAGE_LEVEL: Final = 4
"""Half a millisecond for a long page."""


def takes_gzip(request: Request) -> bool:
    """Whether the browser said that it does, and not with q=0."""
    for offer in request.headers.get("accept-encoding", "").split(","):
        name, *parameters = (part.strip() for part in offer.split(";"))
        if name == "gzip":
            return "q=0" not in parameters
    return False


def compressed(response: Response, request: Request) -> Response:
    """A whole response with its body compressed, if that is wanted and worth it."""
    response.headers.add_vary_header("Accept-Encoding")
    body = bytes(response.body)
    if takes_gzip(request) and len(body) >= SMALLEST_BYTES:
        response.body = gzip.compress(body, _PAGE_LEVEL)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Content-Length"] = str(len(response.body))
    return response
