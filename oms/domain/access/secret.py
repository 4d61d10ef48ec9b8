"""Secrets that identify a caller, such as access tokens: shown once, and stored as a hash only.

They are 256 random bits, so a fast hash without salt is enough: nobody can guess them.
"""

import hashlib
import secrets
from typing import Final

_SIZE_BYTES: Final = 32


def new_secret() -> str:
    """256 random bits, as 43 letters, digits, dashes and underscores."""
    return secrets.token_urlsafe(_SIZE_BYTES)


def digest_of(secret: str) -> bytes:
    """The hash that is stored. Accepts any text, because a caller may send anything."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
