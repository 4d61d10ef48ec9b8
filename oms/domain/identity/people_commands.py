"""What managers do with people's accounts. The operator, on the command line, does the same without these rules.

Nobody takes their own rights away, and an enabled manager always remains.
"""

import secrets
from typing import Final
from uuid import UUID

from oms.domain.access.permissions import Viewer, require
from oms.domain.identity import account_commands, account_store, session_commands
from oms.domain.identity.accounts import Account, NewAccount
from oms.domain.identity.policy import IdentityPermission, IdentityReason
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.errors import refused
from oms.domain.vocabulary.paging import Page, check_first, key_of
from oms.domain.vocabulary.wording import wording
from oms.platform.db import Database, Tx

_GENERATED_BYTES: Final = 15
"""Of randomness: 20 characters in URL-safe base64."""


def new_password() -> str:
    """Too random to be guessed, so it needs no check."""
    return secrets.token_urlsafe(_GENERATED_BYTES)


async def people(
    db: Database, viewer: Viewer, *, first: int, after: str | None, role: Role | None = None
) -> Page[Account]:
    """In the order of logins. Raises Refused: FORBIDDEN, or INVALID."""
    require(viewer, IdentityPermission.MANAGE_PEOPLE)
    limit, login = check_first(first) + 1, key_of(after) if after else ""
    async with db.reading() as conn:
        if role is None:
            found = await account_store.after(conn, login, limit=limit)
        else:
            found = await account_store.of_role_after(conn, role, login, limit=limit)
    return Page.of(found, first)


async def person(db: Database, viewer: Viewer, account_id: UUID) -> Account | None:
    """Raises Refused(FORBIDDEN)."""
    require(viewer, IdentityPermission.MANAGE_PEOPLE)
    async with db.reading() as conn:
        return await account_store.of_id(conn, account_id)


async def add(tx: Tx, viewer: Viewer, new: NewAccount, password_hash: str | None) -> UUID:
    """Raises Refused: FORBIDDEN, INVALID, or DUPLICATE if the login is taken."""
    require(viewer, IdentityPermission.MANAGE_PEOPLE)
    return (await account_commands.add(tx, viewer, new, password_hash)).id


async def change(
    tx: Tx,
    viewer: Viewer,
    account_id: UUID,
    *,
    name: str,
    role: Role,
    customer_reference: str | None,
    warehouses: frozenset[str] | None,
) -> UUID:
    """Raises Refused: FORBIDDEN, NOT_FOUND, INVALID, or CONFLICT for the last enabled manager."""
    account = await _locked(tx, viewer, account_id)
    if role != account.role:
        _require_another(viewer, account)
        await _require_other_manager(tx, account)
    if name != account.name:
        await account_commands.rename(tx, viewer, account_id, name)
    await account_commands.set_role(tx, viewer, account_id, role, customer_reference, warehouses)
    return account_id


async def set_disabled(tx: Tx, viewer: Viewer, account_id: UUID, *, disabled: bool) -> UUID:
    """Raises Refused: FORBIDDEN, NOT_FOUND, or CONFLICT for the last enabled manager."""
    account = await _locked(tx, viewer, account_id)
    if disabled:
        _require_another(viewer, account)
        await _require_other_manager(tx, account)
    await account_commands.set_disabled(tx, viewer, account_id, disabled=disabled)
    return account_id


async def end_sessions(tx: Tx, viewer: Viewer, account_id: UUID) -> UUID:
    """All of them, and no browser is known any more. Raises Refused: FORBIDDEN, NOT_FOUND."""
    await session_commands.end_all(tx, viewer, await _locked(tx, viewer, account_id))
    return account_id


async def reset_password(tx: Tx, viewer: Viewer, account_id: UUID, password_hash: str) -> UUID:
    """Not one's own, which needs the present one. Raises Refused: FORBIDDEN, NOT_FOUND."""
    _require_another(viewer, await _locked(tx, viewer, account_id))
    await account_commands.set_password(tx, viewer, account_id, password_hash)
    return account_id


def may_restrict(viewer: Viewer, account: Account) -> bool:
    """Whether the viewer may change its role, disable it or reset its password at all."""
    return account.viewer.principal != viewer.principal


async def _locked(tx: Tx, viewer: Viewer, account_id: UUID) -> Account:
    """Managers are locked together and first, so that two of them cannot disable each other at the same time."""
    require(viewer, IdentityPermission.MANAGE_PEOPLE)
    await account_store.lock_managers(tx)
    found = await account_store.lock(tx, account_id)
    if found is None:
        raise refused(IdentityReason.ACCOUNT_NOT_FOUND, wording("There is no such account."), "personId")
    return found[0]


def _require_another(viewer: Viewer, account: Account) -> None:
    if not may_restrict(viewer, account):
        message = wording("This is your own account: ask another manager to do it.")
        raise refused(IdentityReason.OWN_ACCOUNT, message, "personId")


async def _require_other_manager(tx: Tx, account: Account) -> None:
    if account.role == Role.MANAGER and await account_store.lock_managers(tx) <= {account.id}:
        message = wording("This is the last manager who can sign in: make another person a manager first.")
        raise refused(IdentityReason.LAST_MANAGER, message, "personId")
