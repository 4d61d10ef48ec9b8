"""The start page: who are you? Login and password; where the demo mode is on, also personas in one click."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.identity import account_commands as accounts
from oms.domain.identity import personas
from oms.domain.identity.accounts import Account
from oms.platform.db import Database
from oms.web.pages.signing_in.session import HOME, Sessions
from oms.web.pages.site import Refusals, Site, form_of, see_other
from oms.web.server.rates import Rates, address_of

PERSONAS: Final = (
    ("customer", "Order something, watch it come, answer when something is missing."),
    ("courier", "Pick shipments up at the warehouse and hand them over at the door."),
    ("manager", "Set the spending limit and maintenance, mind stock and the state of things."),
    ("support", "Find any order, see everything that led where it is, mend what is stuck."),
)

WRONG: Final = "There is no account with this login and password. Check both, capitals too, and try again."
"""The same for an unknown login, a wrong password and a disabled account."""

_CHANGED: Final = "Your account was changed just now: sign in again."


class StartPages:
    """GET / and the forms that begin and end a session."""

    def __init__(
        self, site: Site, sessions: Sessions, db: Database, rates: Rates, *, provider_name: str | None
    ) -> None:
        self._site = site
        self._sessions = sessions
        self._db = db
        self._rates = rates
        self._provider_name = provider_name

    async def index(self, request: Request) -> Response:
        viewer = await self._sessions.viewer(request)
        if viewer and viewer.role in HOME:
            return see_other(HOME[viewer.role])
        return await self._show(request)

    async def sign_in(self, request: Request) -> Response:
        """Raises RateLimited before a password is looked at."""
        form = await form_of(request)
        if self._site.demo and form.get("persona") in personas.PERSONAS:
            async with self._db.transaction() as tx:
                account = await personas.account_of(tx, form["persona"])
            return await self.begin(account, request, by="demo")
        login = form.get("login", "")
        await self._rates.sign_in(login, address_of(request))
        found = await accounts.sign_in(self._db, login, form.get("password", ""))
        if found is None:
            return await self.refuse(WRONG, request, login=login)
        return await self.begin(found, request, by="password")

    async def sign_out(self, request: Request) -> Response:
        response = see_other("/")
        await self._sessions.end(request, response)
        return response

    async def begin(self, account: Account, request: Request, *, by: str) -> Response:
        """Signs in who has proven to be the owner, and shows them their first page."""
        response = see_other(HOME[account.role])
        if await self._sessions.begin(account, request, response, by=by):
            return response
        return await self.refuse(_CHANGED, request)

    async def refuse(self, message: str, request: Request, *, login: str | None = None) -> Response:
        """The start page again, and why nobody is signed in; about the `login` that was entered, if one was."""
        path = [] if login is None else ["login"]
        refusals = Refusals(({"message": message, "path": path},), {"login": login or ""})
        return await self._show(request, refusals, status=422)

    async def _show(self, request: Request, refusals: Refusals | None = None, *, status: int = 200) -> Response:
        return self._site.render(
            request, None, "start/index", status=status, path="/", personas=PERSONAS, refusals=refusals or Refusals(),
            provider=self._provider_name,
            is_new=not self._site.demo and not await accounts.exist(self._db),
        )  # fmt: skip
