"""Sign-in with an OpenID Connect provider: a link of ours leads there, and the provider's response works in the same
browser only. It creates no account: an existing one is found by the provider's subject, the first time by the
verified e-mail address.
"""

from collections.abc import Collection
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from oms.domain.identity import account_commands as accounts
from oms.domain.identity.accounts import Account
from oms.platform.db import Database
from oms.platform.locale.language import gettext
from oms.web.auth.identity_provider import RESTART, Flow, Identity, IdentityProvider, SignInFailed
from oms.web.auth.same_origin import is_own
from oms.web.pages.account.sign_in import SignInPages
from oms.web.pages.declarations import Pages, public_page
from oms.web.pages.rendering.site import see_other
from oms.web.server.rate_limits import RateLimits, client_address

log = structlog.get_logger(__name__)

START: Final = "/sign-in/openid"
CALLBACK: Final = "/sign-in/openid/answer"
"""The redirect URI to register with the provider."""

_THIS_MACHINE: Final = ("localhost", "127.0.0.1", "::1")
_FLOW_S: Final = 600
_MAX_SECRET_CHARACTERS: Final = 128


class OpenIdPages(Pages):
    """START and CALLBACK. A sign-in leads to a page of this site only; a cookie keeps its address."""

    def __init__(
        self,
        sign_in: SignInPages,
        db: Database,
        provider: IdentityProvider,
        rate_limits: RateLimits,
        *,
        demo: bool,
        hosts: Collection[str],
    ) -> None:
        """`hosts`: the site's names; without any, only this machine's."""
        self._sign_in = sign_in
        self._db = db
        self._provider = provider
        self._rate_limits = rate_limits
        self._secure = not demo
        self._hosts = hosts

    @public_page(START)
    async def start(self, request: Request) -> Response:
        """To the provider. From a link on another site it leads to the start page instead."""
        if not is_own(request):
            return see_other("/")
        await self._rate_limits.count_anonymous(client_address(request))
        flow = Flow.start()
        try:
            address = await self._provider.address(flow, self._return_to(request))
        except SignInFailed as failure:
            return await self._refuse(request, failure)
        response = RedirectResponse(address, 303)
        if destination := self._sign_in.destination(request.query_params.get("next")):
            response.set_cookie(
                self._next_cookie, destination, max_age=_FLOW_S, httponly=True, samesite="lax", secure=self._secure
            )
        response.set_cookie(
            self._cookie, flow.secret, max_age=_FLOW_S, httponly=True, samesite="lax", secure=self._secure
        )
        return response

    @public_page(CALLBACK)
    async def callback(self, request: Request) -> Response:
        """From the provider. Raises RateLimited."""
        await self._rate_limits.count_sign_in_from(client_address(request))
        try:
            identity = await self._provider.identity(
                self._flow(request), request.query_params, self._return_to(request)
            )
            account = await self._account(identity, client_address(request))
        except SignInFailed as failure:
            response = await self._refuse(request, failure)
        else:
            destination = request.cookies.get(self._next_cookie)
            response = await self._sign_in.start_session(account, request, by="openid", destination=destination)
            response.delete_cookie(self._next_cookie, httponly=True, samesite="lax", secure=self._secure)
        response.delete_cookie(self._cookie, httponly=True, samesite="lax", secure=self._secure)
        return response

    def _flow(self, request: Request) -> Flow:
        secret = request.cookies.get(self._cookie, "")
        if not secret or len(secret) > _MAX_SECRET_CHARACTERS:
            raise SignInFailed(RESTART, "the browser has no cookie of a sign-in")
        return Flow(secret)

    async def _account(self, identity: Identity, address: str) -> Account:
        async with self._db.transaction() as tx:
            account = await accounts.of_openid(
                tx,
                issuer=identity.issuer,
                subject=identity.subject,
                verified_email=identity.verified_email,
                address=address,
            )
        if account is None:
            name = self._provider.name
            message = gettext(
                "{name} knows you, but you have no account here. Ask the operator of this system for one."
            )
            raise SignInFailed(message.format(name=name), "no such account, or it is disabled")
        return account

    async def _refuse(self, request: Request, failure: SignInFailed) -> Response:
        log.warning("Sign-in with the provider failed", reason=failure.reason)
        return await self._sign_in.refuse(failure.message, request)

    @property
    def _cookie(self) -> str:
        return "__Host-oms_openid" if self._secure else "oms_openid"

    @property
    def _next_cookie(self) -> str:
        return "__Host-oms_next" if self._secure else "oms_next"

    def _return_to(self, request: Request) -> str:
        """CALLBACK at the host name that the browser used. Raises SignInFailed unless that is one of the site's."""
        host = request.url.hostname or ""
        if host not in (self._hosts or _THIS_MACHINE):
            message = gettext("Open this site by its name to sign in: {names}.")
            names = ", ".join(self._hosts) or "see OMS_ALLOWED_HOSTS"
            raise SignInFailed(message.format(names=names), f"{host!r} is not in OMS_ALLOWED_HOSTS")
        return str(request.url.replace(path=CALLBACK, query="", fragment=""))
