"""Where a sign-in may lead: to a page of this site that its owner may open, and nowhere else."""

from typing import Final
from urllib.parse import quote, urlsplit

from starlette.routing import Match, Route

from oms.domain.access.permissions import Viewer
from oms.web.pages.declarations import PageRoute

MAX_CHARACTERS: Final = 500


class Destinations:
    """The pages of signed-in viewers."""

    def __init__(self) -> None:
        self._routes: list[PageRoute] = []

    def add(self, route: PageRoute) -> None:
        self._routes.append(route)

    def of(self, text: str | None) -> str | None:
        """The address, without a fragment, if it is that of a page here; None for any other text.

        Only such a path is used, so no link can send people to another site after they signed in.
        """
        if not text or len(text) > MAX_CHARACTERS or not text.isascii() or not text.isprintable() or "\\" in text:
            return None
        parts = urlsplit(text)
        if parts.scheme or parts.netloc or not text.startswith("/") or self._route(parts.path) is None:
            return None
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    def above(self, path: str) -> str | None:
        """The nearest page at this path or above it, such as the order's page for a form of the order."""
        while path:
            if self._route(path):
                return path
            path = path.rpartition("/")[0]
        return None

    def may_open(self, viewer: Viewer, address: str) -> bool:
        route = self._route(urlsplit(address).path)
        return route is not None and route.need.is_met_by(viewer)

    def _route(self, path: str) -> PageRoute | None:
        scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": []}
        return next((route for route in self._routes if Route.matches(route, scope)[0] is Match.FULL), None)


def start_address(destination: str | None) -> str:
    """The start page, which leads on to the destination after signing in."""
    return f"/?next={quote(destination, safe='/')}" if destination else "/"
