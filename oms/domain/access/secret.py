"""Secrets that whoever holds them shows to say who they are: given out once, and kept as their hash only.

They are random and long, so a hash that is fast and without salt does: nobody can try them out.
"""

import hashlib
import secrets
from typing import Final

_SIZE_BYTES: Final = 32


def new_secret() -> str:
    """256 random bits, as 43 letters, digits, dashes and underscores."""
    return secrets.token_urlsafe(_SIZE_BYTES)


def digest_of(secret: str) -> bytes:
    """What is kept of it; of any text whatever, for anybody may show one."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
