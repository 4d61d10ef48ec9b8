"""Commands on accounts. The operator and managers create and change them; their owners sign in.

A change of the password or the role, and disabling or enabling, end the account's sessions in the same transaction.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from oms.domain.access.permissions import Viewer
from oms.domain.audit.model import Entry
from oms.domain.audit.record import record
from oms.domain.identity import account_store, passwords
from oms.domain.identity import session_store as sessions
from oms.domain.identity.accounts import Account, NewAccount, account_id_of, role_problems
from oms.domain.identity.policy import IdentityAction, IdentityReason
from oms.domain.identity.signing_in.hashing import KNOWN, STRANGERS, Lane
from oms.domain.vocabulary.actor import Actor, Role
from oms.domain.vocabulary.errors import refuse_all, refused
from oms.domain.vocabulary.ids import uuid7
from oms.domain.vocabulary.texts.checks import NAME_LENGTH, check_name
from oms.domain.vocabulary.wording import wording
from oms.platform.db import Database, Tx
from oms.platform.locale.language import Language
from oms.platform.locale.time_zone import time_zones

NOBODY: Final = Actor("nobody")
"""The actor of failed sign-ins."""


async def add(tx: Tx, by: Viewer | Actor, new: NewAccount, password_hash: str | None = None) -> Account:
    """Without a password, its owner signs in by OpenID Connect, or as a persona in demo mode.

    Raises Refused: INVALID, or DUPLICATE if the login is taken.
    """
    refuse_all(new.problems())
    account = await account_store.add(tx, uuid7(await tx.clock()), new, password_hash)
    if account is None:
        message = wording("There is an account with this login already; choose another.")
        raise refused(IdentityReason.LOGIN_TAKEN, message, "login")
    await record(tx, by, _entry(IdentityAction.AccountCreated, account, after=_role(account.role, account.warehouses)))
    return account


async def sign_in(
    db: Database, login: str, password: str, lane: Lane = STRANGERS, *, address: str | None = None
) -> Account | None:
    """The account, if the password is right and the account is enabled. The caller holds a place in the `lane`.

    The same work is done whether or not the account exists, so that the response time does not reveal it. No
    transaction is open while a password is hashed. Failures are in the audit log, without the login.
    """
    async with db.reading() as conn:
        found = await account_store.of_login(conn, login)
    account, known = found or (None, None)
    verdict = await passwords.verify(known, password, lane)
    if account is None or known is None or not verdict.matches or account.disabled_at:
        async with db.transaction() as tx:
            await _failed(tx, account, address)
        return None
    if verdict.outdated:
        new_hash = await passwords.hashed(password, lane)
        async with db.transaction() as tx:
            await account_store.rehash(tx, account.id, old=known, new=new_hash)
    return account


async def of_openid(
    tx: Tx, *, issuer: str, subject: str, verified_email: str | None, address: str | None = None
) -> Account | None:
    """The account that is linked to the subject; else the one whose login is the e-mail address, which is linked now.

    None if there is neither, or if it is disabled: signing in creates no account. Links and failures are in the audit
    log.
    """
    account = await account_store.of_openid(tx.conn, issuer, subject)
    if account is None and verified_email:
        account = await account_store.link_openid(tx, verified_email, issuer, subject)
        if account:
            await record(tx, account.viewer, _entry(IdentityAction.AccountChanged, account, after={"openid": True}))
    if account and not account.disabled_at:
        return account
    await _failed(tx, account, address)
    return None


async def _failed(tx: Tx, account: Account | None, address: str | None) -> None:
    entry = Entry(IdentityAction.SignInFailed, account.viewer.principal if account else "")
    await record(tx, NOBODY, entry, address=address)


async def of_login(db: Database, login: str) -> Account:
    """Raises Refused(NOT_FOUND)."""
    async with db.reading() as conn:
        found = await account_store.of_login(conn, login)
    if found is None:
        raise refused(
            IdentityReason.ACCOUNT_NOT_FOUND, wording("There is no account with this login; see: user list."), "login"
        )
    return found[0]


async def after(db: Database, login: str, *, limit: int) -> Sequence[Account]:
    """The accounts that follow the login, in the order of logins."""
    async with db.reading() as conn:
        return await account_store.after(conn, login, limit=limit)


async def exist(db: Database) -> bool:
    """Whether there is any account."""
    async with db.reading() as conn:
        return await account_store.any_exists(conn)


async def change_password(db: Database, viewer: Viewer, *, current: str, new: str, breached: Path | None) -> None:
    """By the owner, who stays signed in with this session only.

    No transaction is open while passwords are hashed. A wrong password is in the audit log. Raises Refused: FORBIDDEN
    for a machine, INVALID, or CONFLICT if the account was changed meanwhile.
    """
    account_id = account_id_of(viewer)
    async with db.transaction() as tx:
        account, known = await _locked(tx, account_id)
    if not (await passwords.verify(known, current, KNOWN)).matches:
        async with db.transaction() as tx:
            await record(tx, viewer, _entry(IdentityAction.SignInFailed, account))
        raise refused(
            IdentityReason.WRONG_PASSWORD, wording("This is not your present password; try again."), "presentPassword"
        )
    refuse_all(problem.under("newPassword") for problem in await passwords.problems_of(new, account, breached))
    password_hash = await passwords.hashed(new)
    async with db.transaction() as tx:
        if (await _locked(tx, account_id))[0].changed_at != account.changed_at:
            raise refused(IdentityReason.ACCOUNT_CHANGED, wording("Your account was changed just now: sign in again."))
        await account_store.set_password(tx, account_id, password_hash)
        await sessions.end_all(tx, account_id, but=viewer.session_id)
        await record(tx, viewer, _entry(IdentityAction.PasswordChanged, account))


async def set_password(tx: Tx, by: Viewer | Actor, account_id: UUID, password_hash: str) -> None:
    """By the operator. The caller has checked the password, or generated it."""
    account, _ = await _locked(tx, account_id)
    await account_store.set_password(tx, account_id, password_hash)
    await sessions.end_all(tx, account_id)
    await record(tx, by, _entry(IdentityAction.PasswordChanged, account))


async def remove_password(tx: Tx, by: Actor, account_id: UUID) -> None:
    """From now on its owner signs in at the provider only. Raises Refused(CONFLICT) before they have done so once."""
    account, _ = await _locked(tx, account_id)
    if account.openid_subject is None:
        message = wording("The owner has to sign in at the provider once, so that the account is linked to it.")
        raise refused(IdentityReason.NOT_LINKED, message, "login")
    if account.has_password:
        await account_store.set_password(tx, account_id, None)
        await sessions.end_all(tx, account_id)
        before, after = {"signs_in_by": "password"}, {"signs_in_by": "provider"}
        await record(tx, by, _entry(IdentityAction.AccountChanged, account, before=before, after=after))


async def set_role(
    tx: Tx,
    by: Viewer | Actor,
    account_id: UUID,
    role: Role,
    customer_reference: str | None,
    warehouses: frozenset[str] | None = None,
) -> None:
    """Raises Refused(INVALID)."""
    refuse_all(role_problems(role, customer_reference, warehouses))
    account, _ = await _locked(tx, account_id)
    if (role, customer_reference, warehouses) != (account.role, account.customer_reference, account.warehouses):
        await account_store.set_role(tx, account_id, role, customer_reference, warehouses)
        await sessions.end_all(tx, account_id)
        before, after = _role(account.role, account.warehouses), _role(role, warehouses)
        await record(tx, by, _entry(IdentityAction.RoleChanged, account, before=before, after=after))


def _role(role: Role, warehouses: frozenset[str] | None) -> dict[str, Any]:
    return {"role": str(role)} | ({} if warehouses is None else {"warehouses": sorted(warehouses)})


async def rename(tx: Tx, by: Viewer | Actor, account_id: UUID, name: str) -> None:
    """Earlier events keep the old name. Raises Refused(INVALID)."""
    refuse_all(check_name(name, "name", max_length=NAME_LENGTH))
    account, _ = await _locked(tx, account_id)
    await account_store.rename(tx, account_id, name)
    await record(tx, by, _entry(IdentityAction.AccountChanged, account, after={"renamed": True}))


async def set_preferences(tx: Tx, viewer: Viewer, language: Language | None, time_zone: str | None) -> None:
    """The viewer's own; None: what their browser does. Not audited, because they concern nobody else.

    Raises Refused: INVALID for an unknown time zone; FORBIDDEN for a machine.
    """
    if time_zone is not None and time_zone not in time_zones():
        message = wording("There is no time zone {name!r}; give a name such as Europe/Berlin.", name=time_zone)
        raise refused(IdentityReason.UNKNOWN_TIME_ZONE, message, "timeZone")
    await account_store.set_preferences(tx, account_id_of(viewer), language, time_zone)


async def set_disabled(tx: Tx, by: Viewer | Actor, account_id: UUID, *, disabled: bool) -> None:
    """A disabled account can't sign in, and its sessions have ended."""
    account, _ = await _locked(tx, account_id)
    if disabled != (account.disabled_at is not None):
        await account_store.set_disabled(tx, account_id, disabled=disabled)
        await sessions.end_all(tx, account_id)
        before, after = {"disabled": not disabled}, {"disabled": disabled}
        await record(tx, by, _entry(IdentityAction.AccountChanged, account, before=before, after=after))


def _entry(
    action: IdentityAction,
    account: Account,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> Entry:
    return Entry(action, account.viewer.principal, before=before, after=after)


async def _locked(tx: Tx, account_id: UUID) -> tuple[Account, str | None]:
    found = await account_store.lock(tx, account_id)
    if found is None:
        raise refused(IdentityReason.ACCOUNT_NOT_FOUND, wording("There is no such account."), "login")
    return found


async def has_password(db: Database, viewer: Viewer) -> bool:
    """Whether the viewer has a password. Machines, personas and people who sign in by OpenID Connect have none."""
    if not viewer.is_person:
        return False
    async with db.reading() as conn:
        return await account_store.has_password(conn, account_id_of(viewer))
