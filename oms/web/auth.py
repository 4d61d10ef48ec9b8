"""Who calls: bearer tokens, looked up in the database and remembered for a few seconds."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from oms.db import Database
from oms.domain.access.handle import viewer_of
from oms.domain.access.model import Viewer
from oms.web.graphql_errors import ErrorCode, RequestRefused

KNOWN_FOR_S: Final = 5.0
"""How long a revoked token may go on."""

UNKNOWN_FOR_S: Final = 1.0
"""How long a token just issued may be refused, when it was tried before."""

_REMEMBERED: Final = 10_000
_LONGEST_TOKEN: Final = 512


class Unauthenticated(RequestRefused):
    """No credentials, or (`bad`) such as nobody has; HTTP 401."""

    def __init__(self, message: str, *, bad: bool) -> None:
        challenge = 'Bearer realm="oms", error="invalid_token"' if bad else 'Bearer realm="oms"'
        super().__init__(401, ErrorCode.UNAUTHENTICATED, message, headers={"WWW-Authenticate": challenge})
        self.bad = bad


@dataclass(frozen=True, slots=True)
class _Remembered:
    viewer: Viewer | None
    until_s: float


class Authenticator:
    """Answers for `Authorization` values. Remembers who was found, for KNOWN_FOR_S, and who was not, for less."""

    def __init__(self, db: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._clock = clock
        self._remembered: OrderedDict[bytes, _Remembered] = OrderedDict()

    async def viewer(self, authorization: str | None) -> Viewer:
        """Whom the credentials stand for. Raises Unauthenticated; OSError or SQLAlchemy's when the database is away."""
        token = _bearer_token(authorization)
        key = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._remembered.get(key)
        if known is None or known.until_s <= self._clock():
            known = self._remember(key, await viewer_of(self._db, token))
        if known.viewer is None:
            raise Unauthenticated("This token is unknown, expired or revoked.", bad=True)
        return known.viewer

    def forget(self, authorization: str) -> None:
        """It was revoked here: no need to wait until it is forgotten."""
        token = _bearer_token(authorization)
        self._remembered.pop(hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest(), None)

    def _remember(self, key: bytes, viewer: Viewer | None) -> _Remembered:
        known = _Remembered(viewer, self._clock() + (KNOWN_FOR_S if viewer else UNKNOWN_FOR_S))
        self._remembered[key] = known
        self._remembered.move_to_end(key)
        if len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
        return known


def _bearer_token(authorization: str | None) -> str:
    if not authorization or not authorization.strip():
        raise Unauthenticated("Send a token: Authorization: Bearer TOKEN.", bad=False)
    scheme, _, token = authorization.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > _LONGEST_TOKEN:
        raise Unauthenticated("Credentials have the form: Bearer TOKEN.", bad=True)
    return token
