"""Sessions begin when somebody signs in, and end by themselves, by signing out, or with the account's password."""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from oms.db import Database, Tx
from oms.domain.accounts.model import Account
from oms.domain.ids import uuid7
from oms.domain.sessions import store
from oms.domain.sessions.model import HeldSession, Session, SessionRules

MOST_LISTED: Final = 100


def digest_of(secret: str) -> bytes:
    """What is kept of a cookie's value."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


async def begin(tx: Tx, account: Account, rules: SessionRules) -> str | None:
    """A session's secret of 256 random bits, for the cookie.

    None where the account was disabled or its password or role changed since `account` was read: who signs in has to
    prove who they are again.
    """
    secret = secrets.token_urlsafe(32)
    is_begun = await store.begin(tx, digest_of(secret), uuid7(await tx.clock()), account, rules)
    return secret if is_begun else None


async def recognise(db: Database, secret: str, rules: SessionRules) -> HeldSession | None:
    """Whom the session stands for; None where it is unknown or over."""
    async with db.reading() as conn:
        return await store.find(conn, digest_of(secret), rules)


async def seen(db: Database, secret: str) -> None:
    """Its owner uses it: the idle time begins anew."""
    async with db.transaction() as tx:
        await store.seen(tx, digest_of(secret))


async def still_held(db: Database, digests: Iterable[bytes], rules: SessionRules) -> set[bytes]:
    async with db.reading() as conn:
        return await store.held(conn, digests, rules)


async def of_account(db: Database, account_id: UUID, rules: SessionRules) -> Sequence[Session]:
    """The account's sessions that count, begun last first, at most MOST_LISTED."""
    async with db.reading() as conn:
        return await store.of_account(conn, account_id, rules, most=MOST_LISTED)


async def end(tx: Tx, secret: str) -> UUID | None:
    """Signs out; the account that did, or None where the session was over already."""
    return await store.end(tx, digest_of(secret))


async def end_all(tx: Tx, account_id: UUID, *, but: UUID | None = None) -> int:
    """Signs out everywhere, `but` for one session; how many were ended."""
    return await store.end_all(tx, account_id, but=but)
