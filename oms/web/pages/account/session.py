"""Sessions: a cookie holds a random secret, the database only its hash."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.identity import session_commands as sessions
from oms.domain.identity.accounts import Account
from oms.domain.identity.signing_in import known_devices
from oms.platform.db import Database
from oms.web.auth.authenticator import Unauthenticated
from oms.web.auth.credentials import Credential, DeviceCookie
from oms.web.graphql.api import Api
from oms.web.server.rate_limits import client_address

_REFRESHED: Final = "main#page"
"""The source that htmx names when an open page refreshes itself (templates/document.html)."""


def is_refresh(request: Request) -> bool:
    """Whether an open page refreshes itself, without its reader."""
    return request.headers.get("hx-source") == _REFRESHED


class Sessions:
    """Starts, recognises and ends sessions."""

    def __init__(self, db: Database, api: Api) -> None:
        self._db = db
        self._api = api
        self._authenticator = api.authenticator
        self._cookie = api.authenticator.cookie
        self._device_cookie = DeviceCookie(secure=self._cookie.secure)

    async def viewer(self, request: Request) -> Viewer | None:
        """The signed-in viewer of a request, which is counted; None without a valid session. Raises RateLimited.

        Automatic refreshes of an open page do not count as activity.
        """
        is_activity = request.url.path != "/live" and not is_refresh(request)
        try:
            return await self._api.admit(self._cookie.read(request), client_address(request), is_activity=is_activity)
        except Unauthenticated:
            return None

    def credential(self, request: Request) -> Credential | None:
        """The credential that keeps an open stream alive."""
        secret = self._cookie.read(request)
        return Credential.of_session(secret) if secret else None

    async def known_device(self, request: Request, login: str) -> bytes | None:
        """Identifies the browser if the owner of this login has signed in there before."""
        return await known_devices.known(self._db, login, self._device_cookie.read(request))

    async def start(self, account: Account, request: Request, response: Response, *, by: str, remember: bool) -> bool:
        """Signs in the account's owner, who authenticated `by` some method: with a new secret; an old session ends.

        `remember`: the browser becomes a known device.
        False if the account changed since the authentication, which is then no longer valid.
        """
        rules, address = self._authenticator.rules, client_address(request)
        old, devices = self._cookie.read(request), self._device_cookie.read(request)
        async with self._db.transaction() as tx:
            secret = await sessions.start(tx, account, rules, by=by, address=address)
            if secret is None:
                return False
            if old:
                await sessions.end(tx, old.value, address=address)
            if remember:
                devices = await known_devices.remember(tx, account, devices, lifetime=rules.device_lifetime)
                self._device_cookie.put(response, devices, holds=rules.device_lifetime)
        if old:
            self._authenticator.forget(old)
        self._cookie.put(response, secret, holds=rules.max_lifetime)
        return True

    async def end(self, request: Request, response: Response) -> None:
        """Signs out."""
        if secret := self._cookie.read(request):
            async with self._db.transaction() as tx:
                await sessions.end(tx, secret.value, address=client_address(request))
            self._authenticator.forget(secret)
        self._cookie.remove(response)
