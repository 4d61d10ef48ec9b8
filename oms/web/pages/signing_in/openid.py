"""Signing in at a provider of OpenID Connect: there by a link of ours, and back with an answer that only this browser
can use. Nobody gets an account by that: it is found by who they are there, the first time by the e-mail address that
the provider has made sure of.
"""

from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from oms.domain.identity import account_commands as accounts
from oms.domain.identity.accounts import Account
from oms.platform.db import Database
from oms.web.auth.identity_provider import BEGIN_ANEW, Flow, Identity, IdentityProvider, SignInFailed
from oms.web.auth.same_origin import is_own
from oms.web.pages.signing_in.start import StartPages
from oms.web.pages.site import see_other
from oms.web.server.rates import Rates, address_of

log = structlog.get_logger(__name__)

BEGIN: Final = "/sign-in/openid"
ANSWER: Final = "/sign-in/openid/answer"
"""What the provider has to know as this system's redirect URI."""

_FLOW_S: Final = 600
_LONGEST_SECRET: Final = 128


class OpenIdPages:
    """GET of BEGIN and ANSWER. Where one arrives in the end is fixed by one's role: nobody can have it elsewhere."""

    def __init__(
        self, start: StartPages, db: Database, provider: IdentityProvider, rates: Rates, *, demo: bool
    ) -> None:
        self._start = start
        self._db = db
        self._provider = provider
        self._rates = rates
        self._secure = not demo

    async def begin(self, request: Request) -> Response:
        """To the provider. A link on another site leads to our start page only."""
        if not is_own(request):
            return see_other("/")
        await self._rates.stranger(address_of(request))
        flow = Flow.begin()
        try:
            address = await self._provider.address(flow, _return_to(request))
        except SignInFailed as failure:
            return await self._refuse(request, failure)
        response = RedirectResponse(address, 303)
        response.set_cookie(
            self._cookie, flow.secret, max_age=_FLOW_S, httponly=True, samesite="lax", secure=self._secure
        )
        return response

    async def answer(self, request: Request) -> Response:
        """Back from the provider. Raises RateLimited."""
        await self._rates.sign_in_from(address_of(request))
        try:
            identity = await self._provider.identity(self._flow(request), request.query_params, _return_to(request))
            account = await self._account(identity)
        except SignInFailed as failure:
            response = await self._refuse(request, failure)
        else:
            response = await self._start.begin(account, request, by="openid")
        response.delete_cookie(self._cookie, httponly=True, samesite="lax", secure=self._secure)
        return response

    def _flow(self, request: Request) -> Flow:
        secret = request.cookies.get(self._cookie, "")
        if not secret or len(secret) > _LONGEST_SECRET:
            raise SignInFailed(BEGIN_ANEW, "the browser has no cookie of a flow")
        return Flow(secret)

    async def _account(self, identity: Identity) -> Account:
        async with self._db.transaction() as tx:
            account = await accounts.of_openid(
                tx, issuer=identity.issuer, subject=identity.subject, verified_email=identity.verified_email
            )
        if account is None:
            name = self._provider.name
            message = f"{name} knows you, but here is no account that is yours. Ask who runs this system for one."
            raise SignInFailed(message, "there is no such account, or it is disabled")
        return account

    async def _refuse(self, request: Request, failure: SignInFailed) -> Response:
        log.warning("Nobody was signed in by the provider", reason=failure.reason)
        return await self._start.refuse(failure.message, request)

    @property
    def _cookie(self) -> str:
        return "__Host-oms_openid" if self._secure else "oms_openid"


def _return_to(request: Request) -> str:
    """The provider compares it with what was registered, so a Host that is not ours leads nowhere."""
    return str(request.url.replace(path=ANSWER, query="", fragment=""))
