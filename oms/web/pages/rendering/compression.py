"""Gzip of pages, to a third or a fifth of their size.

Compression can reveal a secret that stands unchanged beside text that others choose (BREACH). Pages have none:
sessions are cookies, and a form's token is masked anew for each page (oms/web/auth/csrf.py).
"""

import gzip
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

MIN_BYTES: Final = 1000
"""Below this the additional header costs more than compression saves."""

_PAGE_LEVEL: Final = 4
"""Half a millisecond for a long page."""


def accepts_gzip(request: Request) -> bool:
    """Whether Accept-Encoding lists gzip, and not with q=0."""
    for offer in request.headers.get("accept-encoding", "").split(","):
        name, *parameters = (part.strip() for part in offer.split(";"))
        if name == "gzip":
            return "q=0" not in parameters
    return False


def compressed(response: Response, request: Request) -> Response:
    """The response, with its body compressed if the client accepts that and it is long enough."""
    response.headers.add_vary_header("Accept-Encoding")
    body = bytes(response.body)
    if accepts_gzip(request) and len(body) >= MIN_BYTES:
        response.body = gzip.compress(body, _PAGE_LEVEL)
        response.headers["Content-Encoding"] = "gzip"
        response.headers["Content-Length"] = str(len(response.body))
    return response
