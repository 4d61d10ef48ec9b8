"""What a picture is, told by its bytes: a name or a type that the sender states is never believed.

SVG is a program as much as a picture, and never accepted. Only the headers are read: nothing decodes the pixels here.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from oms.domain.pictures.policy import PictureReason
from oms.domain.vocabulary.errors import Problem, refuse_all
from oms.domain.vocabulary.wording import wording

MAX_SIDE: Final = 4096
"""Pixels: a small file may hold a picture that fills a browser's memory."""

_KB: Final = 1000


class PictureType(StrEnum):
    """The types that are accepted, as Content-Type names them."""

    PNG = "image/png"
    JPEG = "image/jpeg"
    WEBP = "image/webp"


@dataclass(frozen=True, slots=True)
class Picture:
    """An accepted picture. `digest`: 32 hex digits of its content, which its address ends with."""

    type: PictureType
    content: bytes
    digest: str

    @classmethod
    def of(cls, content: bytes, *path: str, max_bytes: int) -> "Picture":
        """Raises Refused(INVALID) with the path."""
        refuse_all(_problems(content, path, max_bytes))
        kind, _, _ = measured(content) or (PictureType.PNG, 0, 0)
        return cls(kind, content, hashlib.sha256(content).hexdigest()[:32])

    @classmethod
    def of_base64(cls, text: str, *path: str, max_bytes: int) -> "Picture":
        """Raises Refused(INVALID) with the path."""
        try:
            content = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            content = b""
        return cls.of(content, *path, max_bytes=max_bytes)


def _problems(content: bytes, path: tuple[str, ...], max_bytes: int) -> Iterator[Problem]:
    if len(content) > max_bytes:
        message = wording(
            "The picture has {size} kB; at most {most} kB are allowed.",
            size=-(-len(content) // _KB),
            most=max_bytes // _KB,
        )
        yield Problem(PictureReason.PICTURE_TOO_LARGE, message, path)
    elif not (found := measured(content)):
        message = wording("This is no whole PNG, JPEG or WebP picture; choose one of these types.")
        yield Problem(PictureReason.NOT_A_PICTURE, message, path)
    elif not all(1 <= side <= MAX_SIDE for side in found[1:]):
        message = wording(
            "The picture has {width} × {height} pixels; each side has 1 to {most}.",
            width=found[1],
            height=found[2],
            most=MAX_SIDE,
        )
        yield Problem(PictureReason.PICTURE_TOO_LARGE, message, path)


def measured(content: bytes) -> tuple[PictureType, int, int] | None:
    """Type, width and height in pixels; None for anything but one whole picture with nothing behind it.

    Source: PNG (ISO 15948, 5 and 11.2), JPEG (ITU-T T.81, annex B), WebP (RFC 9649).
    """
    for kind, measure in ((PictureType.PNG, _png), (PictureType.JPEG, _jpeg), (PictureType.WEBP, _webp)):
        try:
            size = measure(content)
        except IndexError:
            size = None
        if size:
            return kind, *size
    return None


_PNG: Final = b"\x89PNG\r\n\x1a\n"


def _png(content: bytes) -> tuple[int, int] | None:
    """Chunks of length, type, data and checksum, from IHDR to IEND."""
    if content[:8] != _PNG or content[12:16] != b"IHDR":
        return None
    at = len(_PNG)
    while content[at + 4 : at + 8] != b"IEND":
        if at + 8 > len(content):
            return None
        at += 12 + _number(content, at, 4)
    if at + 12 != len(content):
        return None
    return _number(content, 16, 4), _number(content, 20, 4)


_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of segments that state the picture's size."""
_START_OF_SCAN: Final = 0xDA


def _jpeg(content: bytes) -> tuple[int, int] | None:
    """Segments of marker and length, up to the first scan; then data, up to the end's marker."""
    if content[:2] != b"\xff\xd8" or content[-2:] != b"\xff\xd9":
        return None
    at, size = 2, None
    while content[at] == 0xFF:
        marker = content[at + 1]
        if marker == _START_OF_SCAN:
            return size
        if marker in _FRAMES:
            size = _number(content, at + 7, 2), _number(content, at + 5, 2)
        at += 2 + _number(content, at + 2, 2)
    return None


def _webp(content: bytes) -> tuple[int, int] | None:
    """A RIFF file whose first chunk states the size: lossy, lossless, or extended."""
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP" or len(content) < 30:
        return None
    if int.from_bytes(content[4:8], "little") + 8 != len(content):
        return None
    match content[12:16]:
        case b"VP8 ":
            return _little(content, 26, 2) & 0x3FFF, _little(content, 28, 2) & 0x3FFF
        case b"VP8L":
            bits = _little(content, 21, 4)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            return _little(content, 24, 3) + 1, _little(content, 27, 3) + 1
    return None


def _number(content: bytes, at: int, size: int) -> int:
    """Raises IndexError behind the end."""
    if at + size > len(content):
        raise IndexError(at)
    return int.from_bytes(content[at : at + size])


def _little(content: bytes, at: int, size: int) -> int:
    return int.from_bytes(content[at : at + size], "little")
