"""Who looks at a page: a cookie that holds a token like any other, known to the database by its hash only."""

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from oms.db import Database
from oms.domain.access import handle as access
from oms.domain.access.model import Viewer
from oms.domain.actor import Role
from oms.web.auth import Authenticator, Unauthenticated
from oms.web.own_pages import COOKIE

DAYS: Final = 1

DEMO_PERSONAS: Final[Mapping[str, Viewer]] = {
    "customer": Viewer("demo customer", Role.CUSTOMER, "demo-customer"),
    "courier": Viewer("demo courier", Role.COURIER),
    "manager": Viewer("demo manager", Role.MANAGER),
    "support": Viewer("demo support", Role.SUPPORT),
}

HOME: Final[Mapping[Role, str]] = {
    Role.CUSTOMER: "/orders",
    Role.COURIER: "/courier",
    Role.MANAGER: "/manager",
    Role.SUPPORT: "/support",
}


class Sessions:
    """Begins, recognises and ends sessions."""

    def __init__(self, db: Database, authenticator: Authenticator) -> None:
        self._db = db
        self._authenticator = authenticator

    async def viewer(self, request: Request) -> Viewer | None:
        """Who is signed in; None where nobody is, or not any more."""
        token = request.cookies.get(COOKIE)
        return await self.viewer_of_token(token) if token else None

    async def viewer_of_token(self, token: str) -> Viewer | None:
        try:
            return await self._authenticator.viewer(f"Bearer {token}")
        except Unauthenticated:
            return None

    async def begin(self, viewer: Viewer, response: Response, *, secure: bool) -> None:
        async with self._db.transaction() as tx:
            token = await access.issue_token(
                tx, role=viewer.role, name=viewer.name, customer_reference=viewer.customer_reference, days=DAYS
            )
        response.set_cookie(COOKIE, token, max_age=DAYS * 86_400, httponly=True, samesite="lax", secure=secure)

    async def end(self, request: Request, response: Response) -> None:
        if token := request.cookies.get(COOKIE):
            async with self._db.transaction() as tx:
                await access.revoke_token(tx, token)
            self._authenticator.forget(f"Bearer {token}")
        response.delete_cookie(COOKIE, httponly=True, samesite="lax")
