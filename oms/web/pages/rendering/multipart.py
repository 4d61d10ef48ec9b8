"""Forms with files, as browsers send them."""

import re
from typing import Final

_BOUNDARY: Final = re.compile(r"multipart/form-data\s*;.*?\bboundary=\"?([^\";,\s]{1,70})\"?", re.IGNORECASE)
_NAME: Final = re.compile(rb';\s*name="([^"\r\n]*)"', re.IGNORECASE)
_FILE: Final = re.compile(rb";\s*filename\*?=", re.IGNORECASE)


def boundary_of(content_type: str) -> bytes | None:
    """None unless it is that of a multipart form."""
    found = _BOUNDARY.match(content_type)
    return found[1].encode("latin-1") if found else None


def fields_and_files(body: bytes, boundary: bytes) -> tuple[dict[str, str], dict[str, bytes]]:
    """The texts and the contents of files, the last of each name. What is no part of a form is left out.

    Source: RFC 7578, and RFC 2046, 5.1.1.
    """
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    _, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary)
    for part in parts:
        if part.startswith(b"--"):
            break
        head, _, content = part.partition(b"\r\n\r\n")
        if not (name := _NAME.search(head)):
            continue
        if _FILE.search(head):
            files[name[1].decode("utf-8", "replace")] = content
        else:
            fields[name[1].decode("utf-8", "replace")] = content.decode("utf-8", "replace")
    return fields, files
