"""Requests in PostgreSQL."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from oms.domain.access.permissions import Viewer
from oms.domain.approvals.model import Act, Request, Waiting
from oms.domain.vocabulary.actor import Role
from oms.platform.db import Tx

COLUMNS: Final = (
    "id, act, subject, reason, amount_minor, currency, requested_at, requested_by, requested_role, requester"
)
_ADD: Final = text(
    f"""
    INSERT INTO approvals ({COLUMNS})
    VALUES (:id, :act, :subject, :reason, :amount_minor, :currency, clock_timestamp(), :name, :role, :principal)
    ON CONFLICT (act, subject) WHERE decided_at IS NULL DO NOTHING RETURNING id
    """  # noqa: S608 - a constant
)
_LOCK: Final = text(
    f"SELECT {COLUMNS} FROM approvals WHERE id = :id AND decided_at IS NULL FOR UPDATE"  # noqa: S608 - as above
)
_DECIDE: Final = text(
    "UPDATE approvals SET decided_at = clock_timestamp(), decider = :decider, outcome = :outcome WHERE id = :id"
)


async def add(tx: Tx, approval_id: UUID, viewer: Viewer, request: Request) -> bool:
    """False if the same act waits already."""
    values = {
        "id": approval_id,
        "act": str(request.act),
        "subject": request.subject,
        "reason": request.reason,
        "amount_minor": request.amount_minor,
        "currency": request.currency,
        "name": viewer.name,
        "role": str(viewer.role),
        "principal": viewer.principal,
    }
    return (await tx.conn.execute(_ADD, values)).one_or_none() is not None


async def lock(tx: Tx, approval_id: UUID) -> Waiting | None:
    """None unless it waits."""
    row = (await tx.conn.execute(_LOCK, {"id": approval_id})).one_or_none()
    return waiting_of(row) if row else None


async def decide(tx: Tx, approval_id: UUID, viewer: Viewer, outcome: str) -> None:
    await tx.conn.execute(_DECIDE, {"id": approval_id, "decider": viewer.principal, "outcome": outcome})


def waiting_of(row: Any) -> Waiting:
    """From a row of COLUMNS."""
    request = Request(Act(row.act), row.subject, row.reason, row.amount_minor, row.currency)
    by = Viewer(row.requested_by, Role(row.requested_role), principal=row.requester)
    return Waiting(row.id, request, by, row.requested_at)
