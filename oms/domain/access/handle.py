"""Tokens: issued once, shown once, recognised by their hash."""

import hashlib
import secrets
from datetime import timedelta

from oms.db import Database, Tx
from oms.domain.access import store
from oms.domain.access.model import Viewer
from oms.domain.actor import Role
from oms.domain.refusal import Code, refuse_all, refused
from oms.domain.text import CODE_LENGTH, NAME_LENGTH, check_text


async def issue_token(tx: Tx, *, role: Role, name: str, customer_reference: str | None, days: int | None) -> str:
    """A new bearer token; it can't be shown again. Without `days` it does not expire.

    Raises Refused(INVALID): a CUSTOMER needs a customer reference, nobody else may have one.
    """
    refuse_all(check_text(name, "name", most=NAME_LENGTH))
    if (role == Role.CUSTOMER) != (customer_reference is not None):
        raise refused(Code.INVALID, "A customer reference goes with the role CUSTOMER, and only with it.", "customer")
    if customer_reference is not None:
        refuse_all(check_text(customer_reference, "customer", most=CODE_LENGTH))
    if days is not None and not 1 <= days <= 3650:
        raise refused(Code.INVALID, "A token is valid for 1 to 3650 days.", "days")
    token = f"oms_{secrets.token_urlsafe(32)}"
    lifetime = timedelta(days=days) if days is not None else None
    await store.add(tx, _digest(token), Viewer(name, role, customer_reference), lifetime=lifetime)
    return token


async def viewer_of(db: Database, token: str) -> Viewer | None:
    """Whom a bearer token stands for; None where it is unknown, expired or revoked."""
    async with db.reading() as conn:
        return await store.find(conn, _digest(token))


async def revoke_token(tx: Tx, token: str) -> None:
    """From now on it stands for nobody; a token that nobody has is left at that."""
    await store.revoke(tx, _digest(token))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
