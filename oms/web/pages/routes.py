"""The routes of all pages. Pages are GET; forms are POST, from this site's own pages only."""

from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from oms.domain.access.permissions import Viewer
from oms.domain.placing.demo_orders import DemoOrders
from oms.domain.vocabulary.errors import Refused
from oms.domain.vocabulary.wording import said, wording
from oms.platform.db import Database
from oms.platform.locale.language import gettext
from oms.platform.settings import PROJECT_DIR
from oms.web.auth.same_origin import is_own
from oms.web.errors.refusals import refusal_of
from oms.web.graphql.api import Api
from oms.web.live.hub import LiveHub
from oms.web.live.open_streams import OpenStreams
from oms.web.pages.account.destinations import Destinations, start_address
from oms.web.pages.account.session import Sessions, is_refresh
from oms.web.pages.account.sign_in import SignInPages
from oms.web.pages.customer.pictures import ProductPictures
from oms.web.pages.declarations import Declaration, Need, PageRoute, Pages, declarations_of
from oms.web.pages.live import PageStreams
from oms.web.pages.navigation import home_of
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


class PageRoutes:
    """Makes routes that check session, permission and, for forms, their origin.

    `on_refusal` records refused pages; the API records its own refusals. `demo`: orders that wait for somebody
    are placed before a page is shown.
    """

    def __init__(
        self,
        site: Site,
        sessions: Sessions,
        destinations: Destinations,
        on_refusal: OnRefusal,
        demo: DemoOrders | None = None,
    ) -> None:
        self._site = site
        self._sessions = sessions
        self._destinations = destinations
        self._on_refusal = on_refusal
        self._demo = demo

    def of(self, pages: Pages) -> list[BaseRoute]:
        """The routes that the pages' handlers declare."""
        return [self._route(pages, name, declaration) for name, declaration in declarations_of(type(pages))]

    def _route(self, pages: Pages, name: str, declaration: Declaration) -> Route:
        handler, is_form = getattr(pages, name), declaration.method == "POST"
        if declaration.is_public:
            handler = self._public_form(handler) if is_form else handler
            return Route(declaration.path, self._public(handler), methods=[declaration.method])
        need = Need(declaration.needs, pages.within)
        guarded = self._guarded(handler, need, pages, declaration)
        route = PageRoute(declaration.path, guarded, declaration.method, need)
        if not is_form:
            self._destinations.add(route)
        return route

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

    def _guarded(self, handler: Handler, need: Need, pages: Pages, declaration: Declaration) -> PublicHandler:
        is_form = declaration.method == "POST"

        async def respond(request: Request) -> Response:
            viewer = None
            try:
                viewer = await self._sessions.viewer(request)
                if viewer is None:
                    return await self._signed_out(request, pages, declaration)
                if is_form:
                    await self._site.require_own_form(request)
                need.require(viewer)
                if self._demo and not is_form and not is_refresh(request):
                    await self._demo.refill()
                return await handler(request, viewer)
            except PageRefused as refusal:
                if viewer and isinstance(refusal.__cause__, Refused):
                    self._on_refusal(viewer, refusal.__cause__)
                return self._refuse(refusal, request, viewer)
            except Exception as error:  # noqa: BLE001 - refusal_of() logs and masks bugs
                return self._refuse(PageRefused.of(refusal_of(error)), request, viewer)

        return respond

    async def _signed_out(self, request: Request, pages: Pages, declaration: Declaration) -> Response:
        """To the start page, which leads back here after signing in; what a form contained is kept."""
        if declaration.method == "POST":
            destination = declaration.shown_at or self._destinations.above(request.url.path)
        else:
            destination = self._destinations.of(f"{request.url.path}?{request.url.query}")
        response = _to_start(request, start_address(destination))
        if declaration.method == "POST" and is_own(request):
            await pages.keep(request, response)
        return response

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


def _to_start(request: Request, address: str) -> Response:
    """A page that htmx refreshes is told that the session ended; its forms lead to the address as other forms do."""
    if "hx-request" not in request.headers:
        return see_other(address)
    if is_refresh(request):
        return Response(status_code=401, headers={"HX-Reswap": "none"})
    return Response(status_code=401, headers={"HX-Redirect": address})


def page_routes(
    api: Api, db: Database, hub: LiveHub, streams: OpenStreams, provider: "IdentityProvider | None", *,
    site: Site, hosts: Collection[str], on_refusal: OnRefusal,
) -> list[BaseRoute]:  # fmt: skip
    """All pages, their live stream, and the static files."""
    sessions, destinations, demo = Sessions(db, api), Destinations(), site.demo
    sign_in = SignInPages(
        site, sessions, db, api.rate_limits, home_of=home_of, destinations=destinations,
        provider_name=provider.name if provider else None,
    )  # fmt: skip
    routes = PageRoutes(site, sessions, destinations, on_refusal, DemoOrders(db) if demo else None)
    return [
        *routes.of(sign_in),
        *(_openid_routes(routes, sign_in, db, provider, api.rate_limits, demo=demo, hosts=hosts) if provider else ()),
        *routes.of(ProductPictures(db)),
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
