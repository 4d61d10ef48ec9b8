"""Protection against cross-site request forgery: this site's forms carry a token that other sites can't make.

The token is an HMAC keyed by the session's cookie or, before sign-in, by a random visitor cookie. So nothing is
stored, and a token is valid as long as its cookie. It is masked differently on each page, because pages are compressed
beside text that others choose. Source: OWASP, Cross-Site Request Forgery Prevention; BREACH (CVE-2013-3587).
"""

import base64
import hashlib
import hmac
import secrets
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from oms.web.auth.credentials import SessionCookie

FIELD: Final = "form_token"
"""The hidden field's name, also used by _form.html and static/courier.js."""

_VISITOR: Final = "oms_visitor"
_SIZE_BYTES: Final = hashlib.sha256().digest_size


class FormToken:
    """The token of one page's forms, created when the first form is rendered."""

    def __init__(self, request: Request, session: SessionCookie) -> None:
        self._secret = _secret_of(request, session)
        self._session = session
        self._is_new = False

    def __call__(self) -> str:
        if self._secret is None:
            self._secret = secrets.token_urlsafe(_SIZE_BYTES)
            self._is_new = True
        return masked(_proof(self._secret))

    def set_cookie(self, response: Response) -> None:
        """Gives a new visitor the cookie that the token is derived from; it lasts until the browser is closed."""
        if self._is_new and self._secret is not None:
            name, secure = _visitor_cookie(self._session), self._session.secure
            response.set_cookie(name, self._secret, httponly=True, samesite="lax", secure=secure)


def is_valid(request: Request, token: str, session: SessionCookie) -> bool:
    """Whether the token was made for this browser."""
    secret = _secret_of(request, session)
    return secret is not None and hmac.compare_digest(_unmasked(token), _proof(secret))


def masked(proof: bytes) -> str:
    """A random pad, and the proof XORed with it, so that the text always differs."""
    pad = secrets.token_bytes(len(proof))
    return base64.urlsafe_b64encode(pad + _xor(pad, proof)).decode("ascii")


def _unmasked(token: str) -> bytes:
    """The proof in a token; empty if it is malformed."""
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except ValueError:
        return b""
    return _xor(raw[:_SIZE_BYTES], raw[_SIZE_BYTES:]) if len(raw) == 2 * _SIZE_BYTES else b""


def _proof(secret: str) -> bytes:
    return hmac.digest(secret.encode("utf-8", "surrogatepass"), b"a form of ours", hashlib.sha256)


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


def _secret_of(request: Request, session: SessionCookie) -> str | None:
    """The secret in this browser's cookie."""
    secret = session.read(request)
    return secret.value if secret else request.cookies.get(_visitor_cookie(session)) or None


def _visitor_cookie(session: SessionCookie) -> str:
    """Has the same prefix as the session's cookie."""
    return f"__Host-{_VISITOR}" if session.secure else _VISITOR
