"""Sessions start when a person signs in. They end by a timeout, by signing out, or when the account is changed."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from oms.domain.access.permissions import Viewer
from oms.domain.access.secret import digest_of, new_secret
from oms.domain.audit.model import Entry
from oms.domain.audit.record import record
from oms.domain.identity import session_store
from oms.domain.identity.accounts import Account, account_id_of
from oms.domain.identity.policy import IdentityAction, IdentityReason
from oms.domain.identity.sessions import Session, SessionRules, ValidSession
from oms.domain.identity.signing_in import device_store
from oms.domain.vocabulary.actor import Actor
from oms.domain.vocabulary.errors import refused
from oms.domain.vocabulary.ids import uuid7
from oms.domain.vocabulary.wording import wording
from oms.platform.db import Database, Tx

MAX_LISTED: Final = 100


async def start(tx: Tx, account: Account, rules: SessionRules, *, by: str, address: str | None = None) -> str | None:
    """A new session's secret of 256 random bits, for the cookie. `by`: how the owner was authenticated.

    None if the account was disabled, or its password or role was changed, since `account` was read: the owner must
    sign in again.
    """
    secret, session_id = new_secret(), uuid7(await tx.clock())
    if not await session_store.start(tx, digest_of(secret), session_id, account, rules):
        return None
    owner = replace(account.viewer, session_id=session_id, address=address)
    await record(tx, owner, Entry(IdentityAction.SignedIn, owner.principal, after={"by": by}))
    return secret


async def find(db: Database, digest: bytes, rules: SessionRules) -> ValidSession | None:
    """The session whose secret has this hash; None if it is unknown or has ended."""
    async with db.reading() as conn:
        return await session_store.find(conn, digest, rules)


async def mark_seen(db: Database, digest: bytes) -> None:
    """Its owner has used it: the idle timeout starts again."""
    async with db.transaction() as tx:
        await session_store.mark_seen(tx, digest)


async def still_valid(db: Database, digests: Iterable[bytes], rules: SessionRules) -> set[bytes]:
    """The hashes of those sessions that are valid."""
    async with db.reading() as conn:
        return await session_store.valid_among(conn, digests, rules)


async def of_viewer(db: Database, viewer: Viewer, rules: SessionRules) -> Sequence[Session]:
    """The viewer's valid sessions, newest first, at most MAX_LISTED; a token has none."""
    if not viewer.is_person:
        return ()
    async with db.reading() as conn:
        return await session_store.of_account(conn, account_id_of(viewer), rules, limit=MAX_LISTED)


async def end(tx: Tx, secret: str, *, address: str | None = None) -> None:
    """Signs out; does nothing if the session has ended already."""
    if found := await session_store.end(tx, digest_of(secret)):
        owner = replace(found, address=address)
        await record(tx, owner, Entry(IdentityAction.SignedOut, owner.principal))


async def end_one(tx: Tx, viewer: Viewer, session_id: UUID) -> None:
    """Ends another session of the viewer. Raises Refused(NOT_FOUND), also for a session of somebody else."""
    account_id = account_id_of(viewer)
    if not await session_store.end_one(tx, account_id, session_id):
        raise refused(
            IdentityReason.SESSION_NOT_FOUND, wording("There is no such session, or it has ended."), "sessionId"
        )
    await record(tx, viewer, Entry(IdentityAction.SessionsEnded, viewer.principal, after={"ended": 1}))


async def end_others(tx: Tx, viewer: Viewer) -> None:
    """Ends all sessions of the viewer but this one."""
    ended = await session_store.end_all(tx, account_id_of(viewer), but=viewer.session_id)
    await record(tx, viewer, Entry(IdentityAction.SessionsEnded, viewer.principal, after={"ended": ended}))


async def end_all(tx: Tx, by: Viewer | Actor, account: Account) -> int:
    """By the operator or a manager, who also forgets all known devices. Returns how many sessions were ended."""
    ended = await session_store.end_all(tx, account.id)
    await device_store.forget_all(tx, account.id)
    await record(tx, by, Entry(IdentityAction.SessionsEnded, account.viewer.principal, after={"ended": ended}))
    return ended
