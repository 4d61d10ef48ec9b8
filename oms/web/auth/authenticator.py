"""Authentication: bearer tokens and sessions, looked up in the database and cached for a few seconds."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from cachetools import TLRUCache

from oms.domain.access.permissions import Viewer
from oms.domain.identity import session_commands as sessions
from oms.domain.identity.sessions import SEEN_EVERY, SessionRules
from oms.domain.tokens import commands as access
from oms.platform.db import Database
from oms.platform.tasks import child
from oms.web.auth.credentials import Credential, Presented, SessionCookie, SessionSecret
from oms.web.errors.codes import Close, ErrorCode
from oms.web.errors.refusals import RequestRefused

VALID_CACHE_S: Final = 5.0
"""A revoked token, or a session ended by another process, works for at most this long."""

INVALID_CACHE_S: Final = 1.0
"""A token that was tried before it was issued is refused for at most this long."""

_MAX_CACHED: Final = 10_000
_MAX_TOKEN_CHARACTERS: Final = 512


class Unauthenticated(RequestRefused):
    """No credentials, or (`bad`) invalid ones."""

    def __init__(self, message: str, *, bad: bool) -> None:
        challenge = 'Bearer realm="oms", error="invalid_token"' if bad else 'Bearer realm="oms"'
        super().__init__(ErrorCode.UNAUTHENTICATED, message, headers={"WWW-Authenticate": challenge})
        self._bad = bad

    @property
    def close_code(self) -> Close:
        return Close.FORBIDDEN if self._bad else super().close_code


@dataclass(slots=True)
class _Found:
    """A cached look-up. `seen_until_s`: no need before then to store again that the session is in use."""

    viewer: Viewer | None
    until_s: float
    seen_until_s: float = 0.0


class Authenticator:
    """Finds the viewer behind credentials. Caches valid ones for VALID_CACHE_S, invalid ones for INVALID_CACHE_S."""

    def __init__(
        self,
        db: Database,
        rules: SessionRules,
        *,
        couriers_see_ended_days: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._ended_days = couriers_see_ended_days
        self.rules = rules
        self._clock = clock
        self.cookie = SessionCookie(secure=not rules.demo)
        self._cache: TLRUCache[Credential, _Found] = TLRUCache(
            _MAX_CACHED, ttu=lambda _credential, found, _now_s: found.until_s, timer=clock
        )
        self._lookups: dict[Credential, asyncio.Task[_Found]] = {}

    async def viewer(self, presented: Presented, *, is_activity: bool = False) -> Viewer:
        """`is_activity`: a person does something, which restarts the session's idle time.

        Raises Unauthenticated; OSError or SQLAlchemy's if the database is away.
        """
        credential = credential_of(presented)
        found = self._cache.get(credential) or await self._find(credential)
        if found.viewer is None:
            raise Unauthenticated(_INVALID[credential.is_session], bad=True)
        if is_activity and credential.is_session and found.seen_until_s <= self._clock():
            found.seen_until_s = self._clock() + SEEN_EVERY.total_seconds()
            await sessions.mark_seen(self._db, credential.digest)
        return found.viewer

    def forget(self, presented: Presented) -> None:
        """The credentials were revoked in this process: do not wait for the cache to expire."""
        self._forget(credential_of(presented))

    async def revoked_of(self, held: Iterable[Credential]) -> set[Credential]:
        """Those that were revoked, ended or have expired; they leave the cache."""
        all_held = set(held)
        by_session = [credential.digest for credential in all_held if credential.is_session]
        by_token = [credential.digest for credential in all_held if not credential.is_session]
        valid = {Credential(digest, is_session=True) for digest in await self._valid_sessions(by_session)}
        valid |= {Credential(digest, is_session=False) for digest in await self._valid_tokens(by_token)}
        for credential in all_held - valid:
            self._forget(credential)
        return all_held - valid

    def _forget(self, credential: Credential) -> None:
        self._cache.pop(credential, None)
        self._lookups.pop(credential, None)

    async def _valid_sessions(self, digests: list[bytes]) -> set[bytes]:
        return await sessions.still_valid(self._db, digests, self.rules) if digests else set()

    async def _valid_tokens(self, digests: list[bytes]) -> set[bytes]:
        return await access.still_valid(self._db, digests) if digests else set()

    async def _find(self, credential: Credential) -> _Found:
        """Concurrent requests with the same credential share one look-up, which goes on if one of them is cancelled."""
        lookup = self._lookups.get(credential)
        if lookup is None:
            lookup = self._lookups[credential] = child(self._look_up(credential))
            lookup.add_done_callback(_seen)
        return await asyncio.shield(lookup)

    async def _look_up(self, credential: Credential) -> _Found:
        """Does not cache a result that was invalidated while it was loading."""
        try:
            found = await self._query(credential)
            if self._lookups.get(credential) is asyncio.current_task():
                self._cache[credential] = found
            return found
        finally:
            if self._lookups.get(credential) is asyncio.current_task():
                del self._lookups[credential]

    async def _query(self, credential: Credential) -> _Found:
        now_s = self._clock()
        if credential.is_session:
            held = await sessions.find(self._db, credential.digest, self.rules)
            if held is not None:
                rest_s = (SEEN_EVERY - held.idle).total_seconds()
                return _Found(self._limited(held.viewer), now_s + VALID_CACHE_S, now_s + rest_s)
        elif viewer := await access.viewer_of(self._db, credential.digest):
            return _Found(self._limited(viewer), now_s + VALID_CACHE_S)
        return _Found(None, now_s + INVALID_CACHE_S)

    def _limited(self, viewer: Viewer) -> Viewer:
        """A courier sees ended shipments for as long as the settings say."""
        return replace(viewer, carries=replace(viewer.carries, ended_days=self._ended_days))


def _seen(lookup: asyncio.Task[_Found]) -> None:
    """A failure concerns nobody if all callers have gone."""
    _ = lookup.cancelled() or lookup.exception()


_INVALID: Final = {
    False: "This token is unknown, expired or revoked.",
    True: "This session has ended: sign in again.",
}


def credential_of(presented: Presented) -> Credential:
    """Raises Unauthenticated if nothing was presented, or something malformed."""
    if isinstance(presented, SessionSecret):
        return Credential.of_session(presented)
    if not presented or not presented.strip():
        raise Unauthenticated("Send a token: Authorization: Bearer TOKEN.", bad=False)
    scheme, _, token = presented.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > _MAX_TOKEN_CHARACTERS:
        raise Unauthenticated("Credentials have the form: Bearer TOKEN.", bad=True)
    return Credential.of_token(token)
