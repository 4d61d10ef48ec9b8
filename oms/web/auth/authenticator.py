"""Who calls: bearer tokens and sessions, looked up in the database and remembered for a few seconds."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from oms.domain.access.permissions import Viewer
from oms.domain.identity import session_commands as sessions
from oms.domain.identity.sessions import SEEN_EVERY, SessionRules
from oms.domain.tokens import commands as access
from oms.platform.db import Database
from oms.web.auth.credentials import Credential, SessionCookie, SessionSecret, Shown
from oms.web.graphql.errors import ErrorCode, RequestRefused

KNOWN_FOR_S: Final = 5.0
"""How long a revoked token, or a session that was ended elsewhere, may go on at most."""

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


@dataclass(slots=True)
class _Remembered:
    """Who was found. `seen_until_s`: until when it need not be written down again that a session is in use."""

    viewer: Viewer | None
    until_s: float
    seen_until_s: float = 0.0


class Authenticator:
    """Answers for what callers show. Remembers who was found, for KNOWN_FOR_S, and who was not, for less."""

    def __init__(self, db: Database, rules: SessionRules, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self.rules = rules
        self._clock = clock
        self.cookie = SessionCookie(secure=not rules.demo)
        self._remembered: OrderedDict[Credential, _Remembered] = OrderedDict()
        self._looking_up: dict[Credential, asyncio.Task[_Remembered]] = {}

    async def viewer(self, shown: Shown, *, in_use: bool = False) -> Viewer:
        """Whom it stands for. `in_use`: a person does something, so that the session's idle time begins anew.

        Raises Unauthenticated; OSError or SQLAlchemy's when the database is away.
        """
        credential = credential_of(shown)
        known = self._remembered.get(credential)
        if known is None or known.until_s <= self._clock():
            known = await self._found(credential)
        if known.viewer is None:
            raise Unauthenticated(_UNKNOWN[credential.is_session], bad=True)
        if in_use and credential.is_session and known.seen_until_s <= self._clock():
            known.seen_until_s = self._clock() + SEEN_EVERY.total_seconds()
            await sessions.mark_seen(self._db, credential.digest)
        return known.viewer

    def forget(self, shown: Shown) -> None:
        """It was ended here: no need to wait until it is forgotten."""
        self._forget(credential_of(shown))

    async def no_longer_held(self, shown: Iterable[Credential]) -> set[Credential]:
        """Those of them that were revoked, ended or have expired; what was remembered of them is forgotten."""
        asked = set(shown)
        by_session = [credential.digest for credential in asked if credential.is_session]
        by_token = [credential.digest for credential in asked if not credential.is_session]
        held = {Credential(digest, is_session=True) for digest in await self._held_sessions(by_session)}
        held |= {Credential(digest, is_session=False) for digest in await self._held_tokens(by_token)}
        for credential in asked - held:
            self._forget(credential)
        return asked - held

    def _forget(self, credential: Credential) -> None:
        self._remembered.pop(credential, None)
        self._looking_up.pop(credential, None)

    async def _held_sessions(self, digests: list[bytes]) -> set[bytes]:
        return await sessions.still_valid(self._db, digests, self.rules) if digests else set()

    async def _held_tokens(self, digests: list[bytes]) -> set[bytes]:
        return await access.still_valid(self._db, digests) if digests else set()

    async def _found(self, credential: Credential) -> _Remembered:
        """One look-up answers all who show the same meanwhile: a busy caller has many requests under way when what
        was remembered of it runs out. Whoever of them gives up leaves it to the others.
        """
        looking_up = self._looking_up.get(credential)
        if looking_up is None:
            looking_up = self._looking_up[credential] = asyncio.create_task(self._look_up(credential))
        return await asyncio.shield(looking_up)

    async def _look_up(self, credential: Credential) -> _Remembered:
        """What was forgotten meanwhile is not remembered: it may have been read before it ended."""
        try:
            found = await self._asked(credential)
            if self._looking_up.get(credential) is asyncio.current_task():
                self._remember(credential, found)
            return found
        finally:
            if self._looking_up.get(credential) is asyncio.current_task():
                del self._looking_up[credential]

    async def _asked(self, credential: Credential) -> _Remembered:
        now_s = self._clock()
        if credential.is_session:
            held = await sessions.find(self._db, credential.digest, self.rules)
            if held is not None:
                rest_s = (SEEN_EVERY - held.idle).total_seconds()
                return _Remembered(held.viewer, now_s + KNOWN_FOR_S, now_s + rest_s)
        elif viewer := await access.viewer_of(self._db, credential.digest):
            return _Remembered(viewer, now_s + KNOWN_FOR_S)
        return _Remembered(None, now_s + UNKNOWN_FOR_S)

    def _remember(self, credential: Credential, found: _Remembered) -> None:
        self._remembered[credential] = found
        self._remembered.move_to_end(credential)
        if len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)


_UNKNOWN: Final = {
    False: "This token is unknown, expired or revoked.",
    True: "This session is over: sign in again.",
}


def credential_of(shown: Shown) -> Credential:
    """Raises Unauthenticated where nothing was shown, or something that can't be credentials."""
    if isinstance(shown, SessionSecret):
        return Credential.of_session(shown)
    if not shown or not shown.strip():
        raise Unauthenticated("Send a token: Authorization: Bearer TOKEN.", bad=False)
    scheme, _, token = shown.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > _LONGEST_TOKEN:
        raise Unauthenticated("Credentials have the form: Bearer TOKEN.", bad=True)
    return Credential.of_token(token)
