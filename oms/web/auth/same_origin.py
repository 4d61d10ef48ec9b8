"""Pages of this server, as told from those of other sites: only they act with the session of who reads them."""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request

from oms.web.auth.credentials import SessionCookie, Shown


def is_own(request: Request) -> bool:
    """Whether a form came from a page of ours: browsers say so, and what says nothing is no browser of today."""
    return request.headers.get("sec-fetch-site") == "none" or is_of_own_script(request)


def is_of_own_script(request: Request) -> bool:
    """Whether a page of ours made the request, and not the reader by opening an address."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is not None and origin == f"{request.url.scheme}://{request.headers.get('host', '')}"


def names_own_host(connection: HTTPConnection) -> bool:
    """Whether the Origin is ours. Of a WebSocket it is all that browsers tell, and they always do."""
    origin = connection.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() == connection.headers.get("host", "").lower()


def shown_by(request: Request, cookie: SessionCookie) -> Shown:
    """The credentials of a request to the API: its header, or without one the session of the page that sent it.

    Only by POST, which takes nothing but JSON: no form and no link of another site can be that.
    """
    header = request.headers.get("authorization")
    if header is None and request.method == "POST" and is_of_own_script(request):
        return cookie.read(request)
    return header
