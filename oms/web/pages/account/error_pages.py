"""Error pages outside of pages: for unknown addresses, methods that these do not have, and a stopping server."""

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.platform.locale.language import gettext as _
from oms.web.errors.refusals import RequestRefused
from oms.web.pages.account.session import Sessions
from oms.web.pages.rendering.site import Site


class ErrorPages:
    """Renders them for whoever is signed in, in their layout."""

    def __init__(self, site: Site, sessions: Sessions) -> None:
        self._site = site
        self._sessions = sessions

    async def __call__(self, request: Request, status: int) -> Response:
        try:
            viewer = await self._sessions.viewer(request)  # counts the request against the rate limits
        except RequestRefused as refusal:
            return self.refused(request, refusal)
        if status == 404:
            message = _("There is no page at this address. Check it, or begin at the start.")
            return self._page(request, viewer, status, _("Page not found"), message)
        message = _("This address can’t be opened like a page. Begin at the start.")
        return self._page(request, viewer, status, _("That did not work"), message)

    def refused(self, request: Request, refusal: RequestRefused) -> Response:
        """As for somebody who is not signed in; needs no database."""
        return self._page(request, None, refusal.status, _("That did not work"), refusal.message)

    def _page(self, request: Request, viewer: Viewer | None, status: int, heading: str, message: str) -> Response:
        return self._site.render(request, viewer, "error", status=status, heading=heading, message=message)
