"""The start page: sign-in with login and password; in demo mode also as a persona, with one click."""

from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.identity import account_commands as accounts
from oms.domain.identity.accounts import Account
from oms.domain.identity.signing_in import hashing, personas
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.wording import said, wording
from oms.platform.db import Database
from oms.platform.locale.language import gettext
from oms.web.pages.account.destinations import Destinations
from oms.web.pages.account.session import Sessions
from oms.web.pages.customer.basket import BasketCookie
from oms.web.pages.declarations import Pages, public_form, public_page
from oms.web.pages.rendering.site import PageRefused, Refusals, Site, read_form, see_other
from oms.web.server.rate_limits import RateLimits, client_address

PERSONAS: Final = (
    ("customer", wording("Place orders, follow them, and answer if something is unavailable.")),
    ("courier", wording("Pick up shipments at the warehouse and deliver them.")),
    ("manager", wording("Set the spending limit and maintenance mode, manage stock, watch operations.")),
    ("support", wording("Find any order, see its history, and repair stuck jobs.")),
)

WRONG: Final = wording("There is no account with this login and password. Check both, capitals too, and try again.")
"""The same for an unknown login, a wrong password and a disabled account, so that it reveals no accounts."""

_CLEARED: Final = '"cache"'
"""Not "storage", which would delete a courier's unsent actions, and not "cookies", which would forget the device."""

_BUSY: Final = wording("Too many people are signing in")

_CHANGED: Final = wording("Your account was changed a moment ago: sign in again.")


class SignInPages(Pages):
    """The start page, and the forms that start and end a session."""

    def __init__(
        self,
        site: Site,
        sessions: Sessions,
        db: Database,
        rate_limits: RateLimits,
        *,
        home_of: Callable[[Role], str | None],
        destinations: Destinations,
        provider_name: str | None,
    ) -> None:
        """`home_of`: the address of a role's first page. `destinations`: where a sign-in may lead instead."""
        self._site = site
        self._sessions = sessions
        self._db = db
        self._rate_limits = rate_limits
        self._home_of = home_of
        self._destinations = destinations
        self._basket = BasketCookie(secure=not site.demo)
        self._provider_name = provider_name

    @public_page("/")
    async def index(self, request: Request) -> Response:
        """?next= is the page of this site to which signing in leads."""
        viewer = await self._sessions.viewer(request)
        destination = self.destination(request.query_params.get("next"))
        if viewer and (home := self._first_page(viewer, destination)):
            return see_other(home)
        return await self._show(request, destination=destination)

    def destination(self, text: str | None) -> str | None:
        """The address of a page of this site; None for any other text."""
        return self._destinations.of(text)

    def _first_page(self, viewer: Viewer, destination: str | None) -> str | None:
        """The destination if the viewer may open it, otherwise their role's first page."""
        if destination and self._destinations.may_open(viewer, destination):
            return destination
        return self._home_of(viewer.role)

    @public_form("/sign-in")
    async def sign_in(self, request: Request) -> Response:
        """Raises RateLimited, or PageRefused if too many wait, before the password is checked."""
        form = await read_form(request)
        if self._site.demo and form.get("persona") in personas.PERSONAS:
            async with self._db.transaction() as tx:
                account = await personas.account_of(tx, form["persona"])
            return await self.start_session(account, request, by="demo", destination=form.get("next"))
        login = form.get("login", "")
        found = await self._check(login, form.get("password", ""), request)
        if found is None:
            return await self.refuse(WRONG, request, login=login, destination=form.get("next"))
        return await self.start_session(found, request, by="password", remember=True, destination=form.get("next"))

    async def _check(self, login: str, password: str, request: Request) -> Account | None:
        """The account, if the password is right. An attempt for which there is no place is not counted."""
        address = client_address(request)
        device = await self._sessions.known_device(request, login)
        lane = hashing.KNOWN if device else hashing.STRANGERS
        try:
            with lane.place():
                if device:
                    await self._rate_limits.count_sign_in_of_device(device)
                else:
                    await self._rate_limits.count_sign_in(login, address)
                return await accounts.sign_in(self._db, login, password, lane, address=address)
        except hashing.LaneFull as full:
            headers = {"Retry-After": str(hashing.RETRY_AFTER_S)}
            raise PageRefused(503, said(full.message, gettext), heading=_BUSY, headers=headers) from full

    @public_form("/sign-out")
    async def sign_out(self, request: Request) -> Response:
        response = see_other("/")
        response.headers["Clear-Site-Data"] = _CLEARED
        await self._sessions.end(request, response)
        self._basket.remove(response)
        return response

    async def start_session(
        self, account: Account, request: Request, *, by: str, remember: bool = False, destination: str | None = None
    ) -> Response:
        """Signs in the account's owner, and leads them to the destination, or to their role's first page.

        `remember`: attempts to sign in from this browser are counted apart from now on.
        """
        viewer = Viewer(account.name, account.role, account.customer_reference)
        response = see_other(self._first_page(viewer, self.destination(destination)) or "/")
        if await self._sessions.start(account, request, response, by=by, remember=remember):
            return response
        return await self.refuse(_CHANGED, request)

    async def refuse(
        self, message: str, request: Request, *, login: str | None = None, destination: str | None = None
    ) -> Response:
        """The start page with the reason why nobody is signed in, at the field of the `login` if one was entered."""
        path = [] if login is None else ["login"]
        refusals = Refusals(({"message": said(message, gettext), "path": path},), {"login": login or ""})
        return await self._show(request, refusals, status=422, destination=self.destination(destination))

    async def _show(
        self, request: Request, refusals: Refusals | None = None, *, status: int = 200, destination: str | None = None
    ) -> Response:
        return self._site.render(
            request, None, "account/sign_in", status=status, path="/", personas=PERSONAS,
            destination=destination, has_ended=bool(destination and self._sessions.credential(request)),
            start_openid=f"/sign-in/openid?next={quote(destination or '', safe='/')}",
            refusals=refusals or Refusals(), provider=self._provider_name,
            is_new=not self._site.demo and not await accounts.exist(self._db),
        )  # fmt: skip
