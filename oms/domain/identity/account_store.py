"""Accounts in PostgreSQL. Passwords are stored as argon2 hashes, which are read only to verify a password."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from oms.domain.identity.accounts import Account, NewAccount, login_problems, normalized_login
from oms.domain.vocabulary.actor import Role
from oms.platform.db import Tx

_ACCOUNT: Final = (
    "id, login, name, role, customer_reference, warehouses, password_hash IS NOT NULL AS has_password, openid_issuer, "
    "openid_subject, created_at, changed_at, disabled_at"
)
_ADD: Final = text(
    f"""
    INSERT INTO accounts (id, login, name, role, customer_reference, warehouses, password_hash, created_at, changed_at)
    VALUES (:id, :login, :name, :role, :customer_reference, :warehouses, :password_hash, clock_timestamp(),
            clock_timestamp())
    ON CONFLICT (login) DO NOTHING RETURNING {_ACCOUNT}
    """  # noqa: S608 - a constant of this module
)
_OF_LOGIN: Final = text(f"SELECT {_ACCOUNT}, password_hash FROM accounts WHERE login = :login")  # noqa: S608 - as above
_LOCK: Final = text(f"SELECT {_ACCOUNT}, password_hash FROM accounts WHERE id = :id FOR UPDATE")  # noqa: S608 - as above
_OF_OPENID: Final = text(
    f"SELECT {_ACCOUNT} FROM accounts WHERE openid_issuer = :issuer AND openid_subject = :subject"  # noqa: S608 - as above
)
_LINK_OPENID: Final = text(
    f"""
    UPDATE accounts SET openid_issuer = :issuer, openid_subject = :subject
    WHERE login = :login AND openid_subject IS NULL AND disabled_at IS NULL RETURNING {_ACCOUNT}
    """  # noqa: S608 - as above
)
_AFTER: Final = text(
    f"SELECT {_ACCOUNT} FROM accounts WHERE login > :after ORDER BY login LIMIT :limit"  # noqa: S608 - as above
)
_OF_ROLE_AFTER: Final = text(
    f"SELECT {_ACCOUNT} FROM accounts WHERE role = :role AND login > :after ORDER BY login LIMIT :limit"  # noqa: S608 - as above
)
_OF_ID: Final = text(f"SELECT {_ACCOUNT} FROM accounts WHERE id = :id")  # noqa: S608 - as above
_LOCK_MANAGERS: Final = text(
    "SELECT id FROM accounts WHERE role = 'MANAGER' AND disabled_at IS NULL ORDER BY id FOR UPDATE"
)
_ANY: Final = text("SELECT EXISTS (SELECT FROM accounts)")
_REHASH: Final = text("UPDATE accounts SET password_hash = :new WHERE id = :id AND password_hash = :old")
_RENAME: Final = text("UPDATE accounts SET name = :name WHERE id = :id")
_SET_PREFERENCES: Final = text("UPDATE accounts SET language = :language, time_zone = :time_zone WHERE id = :id")
_SET_PASSWORD: Final = text(
    "UPDATE accounts SET password_hash = :password_hash, changed_at = clock_timestamp() WHERE id = :id"
)
_SET_ROLE: Final = text(
    """
    UPDATE accounts
    SET role = :role, customer_reference = :customer_reference, warehouses = :warehouses, changed_at = clock_timestamp()
    WHERE id = :id
    """
)
_SET_DISABLED: Final = text(
    """
    UPDATE accounts SET disabled_at = CASE WHEN :disabled THEN clock_timestamp() END, changed_at = clock_timestamp()
    WHERE id = :id
    """
)


async def add(tx: Tx, account_id: UUID, new: NewAccount, password_hash: str | None) -> Account | None:
    """None if the login is taken."""
    values = {
        "id": account_id,
        "login": normalized_login(new.login),
        "name": new.name,
        "role": str(new.role),
        "customer_reference": new.customer_reference,
        "warehouses": _listed(new.warehouses),
        "password_hash": password_hash,
    }
    row = (await tx.conn.execute(_ADD, values)).one_or_none()
    return _account(row) if row else None


async def of_login(conn: AsyncConnection, login: str) -> tuple[Account, str | None] | None:
    """The account and the hash of its password; None if there is no such account."""
    if list(login_problems(login)):
        return None
    row = (await conn.execute(_OF_LOGIN, {"login": normalized_login(login)})).one_or_none()
    return (_account(row), row.password_hash) if row else None


async def lock(tx: Tx, account_id: UUID) -> tuple[Account, str | None] | None:
    """The account and the hash of its password, locked until the transaction ends."""
    row = (await tx.conn.execute(_LOCK, {"id": account_id})).one_or_none()
    return (_account(row), row.password_hash) if row else None


async def of_openid(conn: AsyncConnection, issuer: str, subject: str) -> Account | None:
    row = (await conn.execute(_OF_OPENID, {"issuer": issuer, "subject": subject})).one_or_none()
    return _account(row) if row else None


async def link_openid(tx: Tx, login: str, issuer: str, subject: str) -> Account | None:
    """None unless there is such an account that is enabled and not linked yet."""
    if list(login_problems(login)):
        return None
    values = {"login": normalized_login(login), "issuer": issuer, "subject": subject}
    row = (await tx.conn.execute(_LINK_OPENID, values)).one_or_none()
    return _account(row) if row else None


async def after(conn: AsyncConnection, login: str, *, limit: int) -> Sequence[Account]:
    """The accounts that follow the login, in the order of logins."""
    return [_account(row) for row in await conn.execute(_AFTER, {"after": login, "limit": limit})]


async def of_role_after(conn: AsyncConnection, role: Role, login: str, *, limit: int) -> Sequence[Account]:
    """The same for one role."""
    values = {"role": str(role), "after": login, "limit": limit}
    return [_account(row) for row in await conn.execute(_OF_ROLE_AFTER, values)]


async def of_id(conn: AsyncConnection, account_id: UUID) -> Account | None:
    row = (await conn.execute(_OF_ID, {"id": account_id})).one_or_none()
    return _account(row) if row else None


async def lock_managers(tx: Tx) -> set[UUID]:
    """The accounts of the enabled managers, locked in the order of their ids; none is disabled meanwhile."""
    return set((await tx.conn.execute(_LOCK_MANAGERS)).scalars())


_HAS_PASSWORD: Final = text("SELECT password_hash IS NOT NULL FROM accounts WHERE id = :id")


async def has_password(conn: AsyncConnection, account_id: UUID) -> bool:
    return bool((await conn.execute(_HAS_PASSWORD, {"id": account_id})).scalar_one_or_none())


async def any_exists(conn: AsyncConnection) -> bool:
    return bool((await conn.execute(_ANY)).scalar_one())


async def set_preferences(tx: Tx, account_id: UUID, language: str | None, time_zone: str | None) -> None:
    await tx.conn.execute(_SET_PREFERENCES, {"id": account_id, "language": language, "time_zone": time_zone})


async def rehash(tx: Tx, account_id: UUID, *, old: str, new: str) -> None:
    """Stores a hash of the same password with current parameters, unless the password was changed meanwhile."""
    await tx.conn.execute(_REHASH, {"id": account_id, "old": old, "new": new})


async def rename(tx: Tx, account_id: UUID, name: str) -> None:
    await tx.conn.execute(_RENAME, {"id": account_id, "name": name})


async def set_password(tx: Tx, account_id: UUID, password_hash: str | None) -> None:
    """None: no password works any more."""
    await tx.conn.execute(_SET_PASSWORD, {"id": account_id, "password_hash": password_hash})


async def set_role(
    tx: Tx, account_id: UUID, role: Role, customer_reference: str | None, warehouses: frozenset[str] | None
) -> None:
    values = {"id": account_id, "role": str(role), "customer_reference": customer_reference}
    values["warehouses"] = _listed(warehouses)
    await tx.conn.execute(_SET_ROLE, values)


async def set_disabled(tx: Tx, account_id: UUID, *, disabled: bool) -> None:
    await tx.conn.execute(_SET_DISABLED, {"id": account_id, "disabled": disabled})


def _listed(warehouses: frozenset[str] | None) -> list[str] | None:
    return None if warehouses is None else sorted(warehouses)


def _account(row: Row[Any]) -> Account:
    return Account(
        id=row.id,
        login=row.login,
        name=row.name,
        role=Role(row.role),
        customer_reference=row.customer_reference,
        warehouses=None if row.warehouses is None else frozenset(row.warehouses),
        has_password=row.has_password,
        openid_issuer=row.openid_issuer,
        openid_subject=row.openid_subject,
        created_at=row.created_at,
        changed_at=row.changed_at,
        disabled_at=row.disabled_at,
    )
