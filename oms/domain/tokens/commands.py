"""Access tokens: shown once, found by their hash, rotated and revoked by their id."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from oms.domain.access.permissions import Viewer
from oms.domain.access.secret import digest_of, new_secret
from oms.domain.audit.model import OPERATOR, Entry
from oms.domain.audit.record import record
from oms.domain.tokens import store
from oms.domain.tokens.model import AccessToken, NewToken
from oms.domain.tokens.policy import TokenAction, TokenReason
from oms.domain.vocabulary.actor import Actor, Role
from oms.domain.vocabulary.errors import InputReason, Refused, refuse_all, refused
from oms.domain.vocabulary.ids import uuid7
from oms.domain.vocabulary.permission import Permission
from oms.domain.vocabulary.texts.checks import NAME_LENGTH, check_code, check_name
from oms.domain.vocabulary.wording import wording
from oms.platform.db import Database, Tx

DEFAULT_DAYS: Final = 90
MAX_DAYS: Final = 3650
EXPIRES_SOON: Final = timedelta(days=14)
"""When `doctor` tells of it."""

LAST: Final = UUID(int=2**128 - 1)
"""Above every id: the list starts below it."""


async def issue_token(
    tx: Tx,
    *,
    role: Role,
    name: str,
    customer_reference: str | None,
    days: int | None,
    scope: frozenset[Permission] | None = None,
    warehouses: frozenset[str] | None = None,
    by: Actor = OPERATOR,
) -> str:
    """A new bearer token; it can't be shown again. Without `days` it does not expire; `scope` narrows its role, and
    `warehouses` what a COURIER carries.

    Raises Refused(INVALID): only a CUSTOMER has a customer reference, and needs one; the role must have all permissions
    of the scope.
    """
    refuse_all(check_name(name, "name", max_length=NAME_LENGTH))
    if (role == Role.CUSTOMER) != (customer_reference is not None):
        raise refused(
            TokenReason.TOKEN_NEEDS_CUSTOMER,
            wording("Give a customer reference with the role CUSTOMER, and only with it."),
            "customer",
        )
    if customer_reference is not None:
        refuse_all(check_code(customer_reference, "customer"))
    lifetime = _lifetime(days)
    if warehouses is not None:
        refuse_all(problem for code in sorted(warehouses) for problem in check_code(code, "warehouses"))
        if role != Role.COURIER:
            message = wording("Only a COURIER is limited to warehouses; leave them out.")
            raise refused(TokenReason.TOKEN_HAS_NO_WAREHOUSES, message, "warehouses")
    if beyond := sorted(each.name for each in scope or () if role not in each.reach):
        raise refused(
            TokenReason.SCOPE_BEYOND_ROLE,
            wording(
                "A {role} may not do this, so leave it out of the scope: {names}.", role=role, names=", ".join(beyond)
            ),
            "scope",
        )
    token = f"oms_{new_secret()}"
    token_id, new = uuid7(await tx.clock()), NewToken(role, name, customer_reference, scope, warehouses)
    await store.add(tx, digest_of(token), token_id, new, lifetime=lifetime)
    issued_for = {"role": str(role), "days": days, "scope": scope and sorted(each.name for each in scope)}
    if warehouses is not None:
        issued_for["warehouses"] = sorted(warehouses)
    await record(tx, by, Entry(TokenAction.TokenIssued, f"token:{token_id}", after=issued_for))
    return token


async def rotate_token(
    tx: Tx, token_id: UUID, *, days: int | None, overlap: timedelta, by: Actor = OPERATOR
) -> tuple[str, AccessToken]:
    """A new secret for the same token; the present one works for the `overlap`, but not beyond its expiry.

    The caller stays the same: limits, idempotency keys and the audit log go on. Without `days` it does not expire.
    Raises Refused: NOT_FOUND; INVALID; CONFLICT while an earlier secret still works, unless there is no overlap.
    """
    lifetime = _lifetime(days)
    held = await store.lock(tx, token_id)
    if held is None:
        raise _not_found("expired or revoked")
    if overlap and held.previous_until and held.previous_until > await tx.clock():
        message = wording(
            "The secret before the last rotation works until {previous_until:%Y-%m-%d %H:%M} UTC. Wait until then, or "
            "rotate without overlap: then only the new one works.",
            previous_until=held.previous_until,
        )
        raise refused(TokenReason.TOKEN_JUST_ROTATED, message, "id")
    token = f"oms_{new_secret()}"
    rotated = await store.rotate(tx, token_id, digest_of(token), overlap=overlap, lifetime=lifetime)
    told = {"days": days, "overlap_s": int(overlap.total_seconds())}
    await record(tx, by, Entry(TokenAction.TokenRotated, f"token:{token_id}", after=told))
    return token, rotated


def _lifetime(days: int | None) -> timedelta | None:
    if days is None:
        return None
    if not 1 <= days <= MAX_DAYS:
        raise refused(
            InputReason.OUT_OF_RANGE, wording("A token is valid for 1 to {max_days} days.", max_days=MAX_DAYS), "days"
        )
    return timedelta(days=days)


def _not_found(otherwise: str) -> Refused:
    message = wording("There is no such token, or it was {otherwise} already; see: token list.", otherwise=otherwise)
    return refused(TokenReason.TOKEN_NOT_FOUND, message, "id")


async def expiring_soon(db: Database) -> Sequence[AccessToken]:
    """Tokens to rotate now: valid ones that expire within EXPIRES_SOON, the next one first."""
    async with db.reading() as conn:
        return await store.expiring(conn, EXPIRES_SOON)


async def viewer_of(db: Database, digest: bytes) -> Viewer | None:
    """The caller that the token with this hash identifies; None if it is unknown, expired or revoked."""
    async with db.reading() as conn:
        return await store.find(conn, digest)


async def still_valid(db: Database, digests: Iterable[bytes]) -> set[bytes]:
    """The hashes of those tokens that are valid."""
    async with db.reading() as conn:
        return await store.valid_among(conn, digests)


async def issued(db: Database, *, before: UUID = LAST, limit: int) -> Sequence[AccessToken]:
    """Tokens, valid or not, newest first. `before`: the id of the last one on the previous page."""
    async with db.reading() as conn:
        return await store.before(conn, before, limit=limit)


async def revoke_token(tx: Tx, token_id: UUID, *, by: Actor = OPERATOR) -> AccessToken:
    """From now on it identifies nobody. Raises Refused(NOT_FOUND) if there is none, or it was revoked already."""
    revoked = await store.revoke(tx, token_id)
    if revoked is None:
        raise _not_found("revoked")
    await record(tx, by, Entry(TokenAction.TokenRevoked, f"token:{token_id}"))
    return revoked
