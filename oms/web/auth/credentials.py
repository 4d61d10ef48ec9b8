"""What callers show to say who they are: a bearer token in a header, or a session in a cookie hidden from scripts."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from starlette.requests import HTTPConnection
from starlette.responses import Response

from oms.domain.vocabulary.secret import digest_of

_LONGEST: Final = 512


@dataclass(frozen=True, slots=True)
class SessionSecret:
    """The value of the session's cookie: of a type of its own, so that no header can be taken for it."""

    value: str


Shown = str | SessionSecret | None
"""An Authorization header as it came, or the session of the page of ours that asks; None: nothing was shown."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What was shown, in the form in which it can be looked up and remembered: as a hash."""

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
    """How browsers keep a session. Everywhere but in demo mode it is `secure`: over https and for this host only."""

    secure: bool

    @property
    def name(self) -> str:
        """Browsers let nobody but this very host set a cookie of the prefix `__Host-`, and over https only."""
        return "__Host-oms_session" if self.secure else "oms_session"

    def read(self, connection: HTTPConnection) -> SessionSecret | None:
        value = connection.cookies.get(self.name)
        return SessionSecret(value) if value and len(value) <= _LONGEST else None

    def put(self, response: Response, secret: str, *, holds: timedelta) -> None:
        response.set_cookie(
            self.name, secret, max_age=int(holds.total_seconds()), httponly=True, samesite="lax", secure=self.secure
        )

    def remove(self, response: Response) -> None:
        response.delete_cookie(self.name, httponly=True, samesite="lax", secure=self.secure)
