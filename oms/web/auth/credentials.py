"""Credentials: a bearer token in a header, or a session in a cookie that scripts can't read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from starlette.requests import HTTPConnection
from starlette.responses import Response

from oms.domain.access.secret import digest_of
from oms.domain.identity.signing_in.known_devices import MAX_PEOPLE

_MAX_CHARACTERS: Final = 512
_BETWEEN: Final = "."
"""Not in a secret, and needs no quotes in a cookie."""


@dataclass(frozen=True, slots=True)
class SessionSecret:
    """The value of the session's cookie: a separate type, so that no header can be mistaken for it."""

    value: str


Presented = str | SessionSecret | None
"""What a request presents: an Authorization header, or the session of this site's page; None: nothing."""


@dataclass(frozen=True, slots=True)
class Credential:
    """Presented credentials as a hash, for looking them up and caching the result."""

    digest: bytes
    is_session: bool

    @classmethod
    def of_session(cls, secret: SessionSecret) -> "Credential":
        return cls(digest_of(secret.value), is_session=True)

    @classmethod
    def of_token(cls, token: str) -> "Credential":
        return cls(digest_of(token), is_session=False)


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """The session's cookie. Except in demo mode it is `secure`: sent over HTTPS only, and to this host only."""

    secure: bool

    @property
    def name(self) -> str:
        """Browsers accept a cookie with the prefix `__Host-` from this host only, and over HTTPS only."""
        return "__Host-oms_session" if self.secure else "oms_session"

    def read(self, connection: HTTPConnection) -> SessionSecret | None:
        value = connection.cookies.get(self.name)
        return SessionSecret(value) if value and len(value) <= _MAX_CHARACTERS else None

    def put(self, response: Response, secret: str, *, holds: timedelta) -> None:
        response.set_cookie(
            self.name, secret, max_age=int(holds.total_seconds()), httponly=True, samesite="lax", secure=self.secure
        )

    def remove(self, response: Response) -> None:
        response.delete_cookie(self.name, httponly=True, samesite="lax", secure=self.secure)


@dataclass(frozen=True, slots=True)
class DeviceCookie:
    """The cookie of a browser in which people have signed in before, with a secret for each of them."""

    secure: bool

    @property
    def name(self) -> str:
        return "__Host-oms_device" if self.secure else "oms_device"

    def read(self, connection: HTTPConnection) -> list[str]:
        """The secrets, newest first; none from a malformed cookie."""
        value = connection.cookies.get(self.name, "")
        return value.split(_BETWEEN)[:MAX_PEOPLE] if 0 < len(value) <= _MAX_CHARACTERS else []

    def put(self, response: Response, secrets: Sequence[str], *, holds: timedelta) -> None:
        value, max_age = _BETWEEN.join(secrets), int(holds.total_seconds())
        response.set_cookie(self.name, value, max_age=max_age, httponly=True, samesite="lax", secure=self.secure)
