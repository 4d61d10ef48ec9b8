"""Breached passwords are looked up in a file of their hashes, which may have many gigabytes and is never loaded.

Source: the format of the Pwned Passwords download: lines of `SHA-1 in hexadecimal:count`, ordered by hash.
"""

import hashlib
from pathlib import Path
from typing import BinaryIO, Final

_DIGEST_CHARACTERS: Final = 40


def is_breached(password: str, file: Path) -> bool:
    """Whether the file has a line for the password; about forty reads. Raises OSError if it can't be read."""
    digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
    with file.open("rb") as lines:
        return _first_from(lines, digest)[:_DIGEST_CHARACTERS].upper() == digest


def _first_from(lines: BinaryIO, digest: bytes) -> bytes:
    """The first line that is not below the digest; empty if all are. A binary search over offsets, not lines."""
    low, high = 0, lines.seek(0, 2)
    while low < high:
        middle = (low + high) // 2
        line = _line_from(lines, middle)
        if line and line[:_DIGEST_CHARACTERS].upper() < digest:
            low = middle + 1
        else:
            high = middle
    return _line_from(lines, low)


def _line_from(lines: BinaryIO, offset: int) -> bytes:
    """The first whole line that starts at the offset or after it; empty at the end."""
    lines.seek(max(0, offset - 1))
    if offset:
        lines.readline()
    return lines.readline()
