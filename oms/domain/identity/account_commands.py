"""Accounts are made and changed by whoever runs the system, signed in to and given new passwords by their owners.

Whatever changes what an account goes by, its password, its role or that it is enabled, ends its sessions in the same
transaction.
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
from oms.domain.vocabulary.actor import Actor, Role
from oms.domain.vocabulary.errors import refuse_all, refused
from oms.domain.vocabulary.ids import uuid7
from oms.domain.vocabulary.text import NAME_LENGTH, check_text
from oms.platform.db import Database, Tx

NOBODY: Final = Actor("nobody")
"""Who tried to sign in and was not let in."""


async def add(tx: Tx, by: Actor, new: NewAccount, password_hash: str | None = None) -> Account:
    """Without a password it is signed in to by OpenID Connect, or where it is a demo persona's.

    Raises Refused: INVALID, or DUPLICATE where the login is taken.
    """
    refuse_all(new.problems())
    account = await account_store.add(tx, uuid7(await tx.clock()), new, password_hash)
    if account is None:
        message = "There is an account with this login already; choose another."
        raise refused(IdentityReason.LOGIN_TAKEN, message, "login")
    await record(tx, by, _entry(IdentityAction.AccountCreated, account, after={"role": str(account.role)}))
    return account


async def sign_in(db: Database, login: str, password: str) -> Account | None:
    """The account, if that is its password and it is not disabled.

    As much is done whether there is such an account or not, so that the time taken does not tell; no transaction is
    open while the password is looked at. What was tried in vain is in the audit trail, without the login.
    """
    async with db.reading() as conn:
        found = await account_store.of_login(conn, login)
    account, known = found or (None, None)
    verdict = await passwords.verify(known, password)
    if account is None or known is None or not verdict.matches or account.disabled_at:
        async with db.transaction() as tx:
            await record(tx, NOBODY, Entry(IdentityAction.SignInFailed, account.viewer.principal if account else ""))
        return None
    if verdict.outdated:
        renewed = await passwords.hashed(password)
        async with db.transaction() as tx:
            await account_store.rehash(tx, account.id, old=known, new=renewed)
    return account


async def of_openid(tx: Tx, *, issuer: str, subject: str, verified_email: str | None) -> Account | None:
    """The account that is linked to the subject, or else the one whose login is that e-mail, linked by this.

    None where there is neither, or it is disabled: nobody gets an account by signing in. The trail has either.
    """
    account = await account_store.of_openid(tx.conn, issuer, subject)
    if account is None and verified_email:
        account = await account_store.link_openid(tx, verified_email, issuer, subject)
        if account:
            await record(tx, account.viewer, _entry(IdentityAction.AccountChanged, account, after={"openid": True}))
    if account and not account.disabled_at:
        return account
    await record(tx, NOBODY, Entry(IdentityAction.SignInFailed, account.viewer.principal if account else ""))
    return None


async def of_login(db: Database, login: str) -> Account:
    """Raises Refused(NOT_FOUND)."""
    async with db.reading() as conn:
        found = await account_store.of_login(conn, login)
    if found is None:
        raise refused(IdentityReason.ACCOUNT_NOT_FOUND, "There is no account with this login; see: user list.", "login")
    return found[0]


async def after(db: Database, login: str, *, limit: int) -> Sequence[Account]:
    """The accounts whose logins follow that one, by login."""
    async with db.reading() as conn:
        return await account_store.after(conn, login, limit=limit)


async def exist(db: Database) -> bool:
    """Whether there is an account at all."""
    async with db.reading() as conn:
        return await account_store.any_exists(conn)


async def change_password(db: Database, viewer: Viewer, *, current: str, new: str, breached: Path | None) -> None:
    """By its owner, who stays signed in where it was changed and nowhere else.

    No transaction is open while passwords are looked at. A wrong one is in the audit trail. Raises Refused: CONFLICT
    where another change was faster.
    """
    account_id = account_id_of(viewer)
    async with db.transaction() as tx:
        account, known = await _locked(tx, account_id)
    if not (await passwords.verify(known, current)).matches:
        async with db.transaction() as tx:
            await record(tx, viewer, _entry(IdentityAction.SignInFailed, account))
        raise refused(IdentityReason.WRONG_PASSWORD, "This is not your present password.", "presentPassword")
    refuse_all(problem.under("newPassword") for problem in await passwords.problems_of(new, account, breached))
    password_hash = await passwords.hashed(new)
    async with db.transaction() as tx:
        if (await _locked(tx, account_id))[0].changed_at != account.changed_at:
            raise refused(IdentityReason.ACCOUNT_CHANGED, "Your account was changed just now: sign in again.")
        await account_store.set_password(tx, account_id, password_hash)
        await sessions.end_all(tx, account_id, but=viewer.session_id)
        await record(tx, viewer, _entry(IdentityAction.PasswordChanged, account))


async def set_password(tx: Tx, by: Actor, account_id: UUID, password_hash: str) -> None:
    """By who runs the system; the password was checked, or made up, before."""
    account, _ = await _locked(tx, account_id)
    await account_store.set_password(tx, account_id, password_hash)
    await sessions.end_all(tx, account_id)
    await record(tx, by, _entry(IdentityAction.PasswordChanged, account))


async def set_role(tx: Tx, by: Actor, account_id: UUID, role: Role, customer_reference: str | None) -> None:
    """Raises Refused(INVALID)."""
    refuse_all(role_problems(role, customer_reference))
    account, _ = await _locked(tx, account_id)
    if (role, customer_reference) != (account.role, account.customer_reference):
        await account_store.set_role(tx, account_id, role, customer_reference)
        await sessions.end_all(tx, account_id)
        before, after = {"role": str(account.role)}, {"role": str(role)}
        await record(tx, by, _entry(IdentityAction.RoleChanged, account, before=before, after=after))


async def rename(tx: Tx, by: Actor, account_id: UUID, name: str) -> None:
    """What was done so far stays under the name of then. Raises Refused(INVALID)."""
    refuse_all(check_text(name, "name", max_length=NAME_LENGTH))
    account, _ = await _locked(tx, account_id)
    await account_store.rename(tx, account_id, name)
    await record(tx, by, _entry(IdentityAction.AccountChanged, account, after={"renamed": True}))


async def set_disabled(tx: Tx, by: Actor, account_id: UUID, *, disabled: bool) -> None:
    """A disabled account can't be signed in to, and acts no more."""
    account, _ = await _locked(tx, account_id)
    if disabled != (account.disabled_at is not None):
        await account_store.set_disabled(tx, account_id, disabled=disabled)
        await sessions.end_all(tx, account_id)
        before, after = {"disabled": not disabled}, {"disabled": disabled}
        await record(tx, by, _entry(IdentityAction.AccountChanged, account, before=before, after=after))


def _entry(action: IdentityAction, account: Account, **what: Mapping[str, Any]) -> Entry:
    return Entry(action, account.viewer.principal, before=what.get("before"), after=what.get("after"))


async def _locked(tx: Tx, account_id: UUID) -> tuple[Account, str | None]:
    found = await account_store.lock(tx, account_id)
    if found is None:
        raise refused(IdentityReason.ACCOUNT_NOT_FOUND, "There is no such account any more.", "login")
    return found


async def has_password(db: Database, viewer: Viewer) -> bool:
    """Whether the viewer signs in with a password of their own; machines, personas and others' guests do not."""
    if not viewer.is_person:
        return False
    async with db.reading() as conn:
        return await account_store.has_password(conn, account_id_of(viewer))
