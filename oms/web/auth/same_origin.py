"""Distinguishes this site's pages from those of other sites: only its own may act with a reader's session."""

from starlette.requests import HTTPConnection, Request

from oms.web.auth.credentials import Presented, SessionCookie


def is_own(request: Request) -> bool:
    """Whether a form came from this site's page, or from no page. All current browsers send these headers."""
    return request.headers.get("sec-fetch-site") == "none" or is_from_own_script(request)


def is_from_own_script(request: Request) -> bool:
    """Whether this site's page sent the request, and not the reader by opening an address."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is not None and origin == f"{request.url.scheme}://{request.headers.get('host', '')}"


def has_own_origin(connection: HTTPConnection) -> bool:
    """Whether the Origin is this site, its scheme included. Of a WebSocket browsers send nothing else, and always this.

    A page over plain HTTP can be anybody's on the network, so it is another site than the same host over TLS.
    """
    scheme = "https" if connection.scope["scheme"] in ("wss", "https") else "http"
    own = f"{scheme}://{connection.headers.get('host', '')}"
    return connection.headers.get("origin", "").lower() == own.lower()


def presented_by(request: Request, cookie: SessionCookie) -> Presented:
    """The credentials of a request to the API: its header, or without one the session of the page that sent it.

    The session only for POST, which must be JSON: another site's form or link can't send that.
    """
    header = request.headers.get("authorization")
    if header is None and request.method == "POST" and is_from_own_script(request):
        return cookie.read(request)
    return header
