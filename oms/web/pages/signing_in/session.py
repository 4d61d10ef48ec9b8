"""Who looks at a page: a cookie with a random secret, known to the database by its hash only."""

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.identity import session_commands as sessions
from oms.domain.identity.accounts import Account
from oms.domain.vocabulary.actor import Role
from oms.platform.db import Database
from oms.web.auth.authenticator import Unauthenticated
from oms.web.auth.credentials import Credential
from oms.web.graphql.api import Api
from oms.web.server.rates import address_of

HOME: Final[Mapping[Role, str]] = {
    Role.CUSTOMER: "/orders",
    Role.COURIER: "/courier",
    Role.MANAGER: "/manager",
    Role.SUPPORT: "/support",
}

_REFRESHED: Final = "main#page"
"""What htmx names as the source where an open page asks for itself again (templates/base.html)."""


class Sessions:
    """Begins, recognises and ends sessions."""

    def __init__(self, db: Database, api: Api) -> None:
        self._db = db
        self._api = api
        self._authenticator = api.authenticator
        self._cookie = api.authenticator.cookie

    async def viewer(self, request: Request) -> Viewer | None:
        """Who is signed in and asks; None where nobody is, or not any more. Raises RateLimited.

        An open page that asks for itself again keeps no session alive: only what a person does counts as use.
        """
        in_use = request.url.path != "/live" and request.headers.get("hx-source") != _REFRESHED
        try:
            return await self._api.admit(self._cookie.read(request), address_of(request), in_use=in_use)
        except Unauthenticated:
            return None

    def credential(self, request: Request) -> Credential | None:
        """Under which an open stream goes on."""
        secret = self._cookie.read(request)
        return Credential.of_session(secret) if secret else None

    async def begin(self, account: Account, request: Request, response: Response, *, by: str) -> bool:
        """Signs in who has proven, `by` some way, to be the owner: always with a new secret; an old session ends.

        False where the account changed meanwhile, so that the proof counts no more.
        """
        rules = self._authenticator.rules
        old = self._cookie.read(request)
        async with self._db.transaction() as tx:
            secret = await sessions.start(tx, account, rules, by=by)
            if secret is None:
                return False
            if old:
                await sessions.end(tx, old.value)
        if old:
            self._authenticator.forget(old)
        self._cookie.put(response, secret, holds=rules.max_lifetime)
        return True

    async def end(self, request: Request, response: Response) -> None:
        """Signs out."""
        if secret := self._cookie.read(request):
            async with self._db.transaction() as tx:
                await sessions.end(tx, secret.value)
            self._authenticator.forget(secret)
        self._cookie.remove(response)
