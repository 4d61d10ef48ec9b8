"""The routes of all pages. Pages are GET; forms are POST, from this site's own pages only."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from oms.domain.access.permissions import Viewer, reach, require
from oms.domain.vocabulary.errors import AccessReason, Refused, refused
from oms.domain.vocabulary.permission import Permission, Reach
from oms.domain.vocabulary.wording import said, wording
from oms.platform.db import Database
from oms.platform.language import gettext
from oms.platform.settings import PROJECT_DIR
from oms.web.errors.refusals import refusal_of
from oms.web.graphql.api import Api
from oms.web.live.hub import LiveHub
from oms.web.live.open_streams import OpenStreams
from oms.web.pages.account.session import Sessions
from oms.web.pages.account.sign_in import SignInPages
from oms.web.pages.declarations import Declaration, Pages, declarations_of
from oms.web.pages.live import PageStreams
from oms.web.pages.navigation import home_of, navigation
from oms.web.pages.registry import PAGES
from oms.web.pages.rendering.assets import Assets
from oms.web.pages.rendering.site import PageRefused, Site, see_other
from oms.web.server.rate_limits import RateLimits

if TYPE_CHECKING:
    from oms.web.auth.identity_provider import IdentityProvider

Handler = Callable[[Request, Viewer], Awaitable[Response]]
PublicHandler = Callable[[Request], Awaitable[Response]]
OnRefusal = Callable[[Viewer, Refused], None]

_HEADINGS: Final = {
    403: wording("You may not do this"),
    404: wording("Page not found"),
    409: wording("Already in progress"),
    429: wording("Too many requests"),
    503: wording("Not available for a moment"),
}


@dataclass(frozen=True, slots=True)
class Need:
    """Who may open a page: viewers whose reach of the permission is one of `within`. None: all who are signed in."""

    permission: Permission | None
    within: frozenset[Reach]

    def require(self, viewer: Viewer) -> None:
        """Raises PageRefused(403)."""
        if self.permission is None or reach(viewer, self.permission) in self.within:
            return
        try:
            require(viewer, self.permission)
            message = wording("This page is for other roles; as {role} you have pages of your own.", role=viewer.role)
            raise refused(AccessReason.ROLE_NOT_ALLOWED, message)
        except Refused as refusal:
            raise PageRefused(403, str(refusal)) from refusal


class PageRoute(Route):
    """A page or form with a need."""

    def __init__(self, path: str, endpoint: PublicHandler, method: str, need: Need) -> None:
        super().__init__(path, endpoint, methods=[method])
        self.need = need


class PageRoutes:
    """Makes routes that check session, permission and, for forms, their origin.

    `on_refusal` records refused pages; the API records its own refusals.
    """

    def __init__(self, site: Site, sessions: Sessions, on_refusal: OnRefusal) -> None:
        self._site = site
        self._sessions = sessions
        self._on_refusal = on_refusal

    def of(self, pages: Pages) -> list[BaseRoute]:
        """The routes that the pages' handlers declare."""
        return [self._route(pages, name, declaration) for name, declaration in declarations_of(type(pages))]

    def _route(self, pages: Pages, name: str, declaration: Declaration) -> Route:
        handler, is_form = getattr(pages, name), declaration.method == "POST"
        if declaration.is_public:
            handler = self._public_form(handler) if is_form else handler
            return Route(declaration.path, self._public(handler), methods=[declaration.method])
        need = Need(declaration.needs, pages.within)
        return PageRoute(declaration.path, self._guarded(handler, need, is_form=is_form), declaration.method, need)

    def _public_form(self, handler: PublicHandler) -> PublicHandler:
        async def respond(request: Request) -> Response:
            await self._sessions.viewer(request)  # counts the request against the rate limits
            await self._site.require_own_form(request)
            return await handler(request)

        return respond

    def _public(self, handler: PublicHandler) -> PublicHandler:
        async def respond(request: Request) -> Response:
            try:
                return await handler(request)
            except PageRefused as refusal:
                return self._refuse(refusal, request, None)
            except Exception as error:  # noqa: BLE001 - refusal_of() logs and masks bugs
                return self._refuse(PageRefused.of(refusal_of(error)), request, None)

        return respond

    def _guarded(self, handler: Handler, need: Need, *, is_form: bool) -> PublicHandler:
        async def respond(request: Request) -> Response:
            viewer = None
            try:
                viewer = await self._sessions.viewer(request)
                if viewer is None:
                    return see_other("/")
                if is_form:
                    await self._site.require_own_form(request)
                need.require(viewer)
                return await handler(request, viewer)
            except PageRefused as refusal:
                if viewer and isinstance(refusal.__cause__, Refused):
                    self._on_refusal(viewer, refusal.__cause__)
                return self._refuse(refusal, request, viewer)
            except Exception as error:  # noqa: BLE001 - refusal_of() logs and masks bugs
                return self._refuse(PageRefused.of(refusal_of(error)), request, viewer)

        return respond

    def _refuse(self, refusal: PageRefused, request: Request, viewer: Viewer | None) -> Response:
        heading = refusal.heading or _HEADINGS.get(refusal.status, wording("That did not work"))
        response = self._site.render(
            request,
            viewer,
            "error",
            status=refusal.status,
            heading=said(heading, gettext),
            message=said(refusal.message, gettext),
        )
        response.headers.update(refusal.headers)
        return response


def page_routes(
    api: Api, db: Database, hub: LiveHub, streams: OpenStreams, provider: "IdentityProvider | None", *,
    demo: bool, hosts: Collection[str], on_refusal: OnRefusal,
) -> list[BaseRoute]:  # fmt: skip
    """All pages, their live stream, and the static files."""
    site = Site(api, navigation=navigation, demo=demo)
    sessions = Sessions(db, api)
    sign_in = SignInPages(
        site, sessions, db, api.rate_limits, home_of=home_of, provider_name=provider.name if provider else None
    )
    routes = PageRoutes(site, sessions, on_refusal)
    return [
        *routes.of(sign_in),
        *(_openid_routes(routes, sign_in, db, provider, api.rate_limits, demo=demo, hosts=hosts) if provider else ()),
        *(route for pages in PAGES for route in routes.of(pages(site))),
        Route("/live", PageStreams(db, hub, sessions, streams, api.rate_limits), methods=["GET"]),
        Mount("/static", Assets(directory=PROJECT_DIR / "static")),
    ]


def _openid_routes(
    routes: PageRoutes,
    sign_in: SignInPages,
    db: Database,
    provider: "IdentityProvider",
    rate_limits: RateLimits,
    *,
    demo: bool,
    hosts: Collection[str],
) -> list[BaseRoute]:
    from oms.web.pages.account.openid import OpenIdPages  # noqa: PLC0415 - its imports take 4 MB

    return routes.of(OpenIdPages(sign_in, db, provider, rate_limits, demo=demo, hosts=hosts))
