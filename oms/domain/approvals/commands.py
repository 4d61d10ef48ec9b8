"""Requesting an act, and confirming or rejecting what another person requested."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from oms.domain.access.permissions import Viewer, require
from oms.domain.approvals import store
from oms.domain.approvals.model import Request, Waiting
from oms.domain.approvals.policy import ApprovalAction, ApprovalPermission, ApprovalReason
from oms.domain.audit.model import Entry
from oms.domain.audit.record import record
from oms.domain.vocabulary.errors import refused
from oms.domain.vocabulary.ids import uuid7
from oms.domain.vocabulary.wording import wording
from oms.platform.db import Tx

Carry = Callable[[Tx, Viewer, Request], Awaitable[object]]
"""Carries out a confirmed request as the viewer who made it."""


async def request(tx: Tx, viewer: Viewer, wanted: Request) -> None:
    """Does nothing if the same act waits already."""
    if await store.add(tx, uuid7(await tx.clock()), viewer, wanted):
        about = {"act": str(wanted.act), "amount": wanted.amount_minor, "currency": wanted.currency}
        await record(tx, viewer, Entry(ApprovalAction.ActRequested, wanted.subject, after=about))


async def confirm(tx: Tx, viewer: Viewer, approval_id: UUID, carry: Carry) -> UUID:
    """Carries out the act as the one who requested it.

    Raises Refused: FORBIDDEN, NOT_FOUND, or as the act does, if it is not possible any more; then it still waits.
    """
    waiting = await _waiting(tx, viewer, approval_id)
    if waiting.by.principal == viewer.principal:
        message = wording("You requested this yourself: another person must confirm it. You may reject it.")
        raise refused(ApprovalReason.OWN_REQUEST, message)
    await store.decide(tx, approval_id, viewer, "CONFIRMED")
    await _record(tx, viewer, ApprovalAction.ActConfirmed, waiting)
    await carry(tx, waiting.by, waiting.request)
    return approval_id


async def reject(tx: Tx, viewer: Viewer, approval_id: UUID) -> UUID:
    """Also by the one who requested it. Raises Refused: FORBIDDEN, NOT_FOUND."""
    waiting = await _waiting(tx, viewer, approval_id)
    await store.decide(tx, approval_id, viewer, "REJECTED")
    await _record(tx, viewer, ApprovalAction.ActRejected, waiting)
    return approval_id


async def _waiting(tx: Tx, viewer: Viewer, approval_id: UUID) -> Waiting:
    require(viewer, ApprovalPermission.CONFIRM_ACT)
    waiting = await store.lock(tx, approval_id)
    if waiting is None:
        message = wording("No such request waits; it may have been confirmed or rejected already.")
        raise refused(ApprovalReason.APPROVAL_NOT_FOUND, message, "approvalId")
    return waiting


async def _record(tx: Tx, viewer: Viewer, action: ApprovalAction, waiting: Waiting) -> None:
    after = {"act": str(waiting.request.act), "requester": waiting.by.principal}
    await record(tx, viewer, Entry(action, waiting.request.subject, after=after))
