"""The chain that seals the audit log: each link holds a digest of its entry and of the link before it.

So an entry that is changed, removed or inserted later breaks the chain, unless whoever does it rewrites all that
follows; the log's lines of the newest digest, kept elsewhere, show that too. Entries are sealed shortly after they are
written, so that writers never wait for each other. Digest: SHA-256(digest of the link before ‖ entry as JSON).
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

FIRST_PREDECESSOR: Final = bytes(32)
"""In place of a digest, before the first link."""


@dataclass(frozen=True, slots=True)
class Unsealed:
    """An entry that is not sealed yet; `text` is its JSON, as PostgreSQL writes it."""

    id: UUID
    transaction: int
    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the chain. Links are numbered from 1 without gaps, in the order of (transaction, entry)."""

    number: int
    audit_id: UUID
    transaction: int
    digest: bytes


BEGINNING: Final = Link(0, UUID(int=0), 0, FIRST_PREDECESSOR)


def sealed(last: Link, entries: Iterable[Unsealed]) -> Iterator[Link]:
    """The links that follow the last one."""
    for entry in entries:
        digest = hashlib.sha256(last.digest + entry.text.encode()).digest()
        last = Link(last.number + 1, entry.id, entry.transaction, digest)
        yield last
