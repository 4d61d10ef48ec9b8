"""The concept's permissions, refusal reasons and audit actions."""

from oms.domain.vocabulary.audit_action import AuditAction
from oms.domain.vocabulary.errors import Code, Reason
from oms.domain.vocabulary.permission import STAFF, Permission
from oms.domain.vocabulary.wording import wording


class ApprovalPermission(Permission):
    """Permissions on acts that wait for a second person."""

    CONFIRM_ACT = "confirm or reject what another person requested", STAFF


class ApprovalReason(Reason):
    """Why an act is not carried out yet, or not confirmed."""

    NEEDS_SECOND_PERSON = Code.CONFLICT, "The act was requested; it is done when another person confirms it."
    APPROVAL_NOT_FOUND = Code.NOT_FOUND, "No such request waits; it may have been confirmed or rejected already."
    OWN_REQUEST = Code.FORBIDDEN, "Nobody confirms what they requested themselves."


class ApprovalAction(AuditAction):
    """What the audit log records of requests."""

    ActRequested = (
        "ActRequested",
        "An act of staff waits for a second person.",
        wording("{who} requested an act that needs a second person: {after_act}"),
    )
    ActConfirmed = (
        "ActConfirmed",
        "A second person agreed, and it was done.",
        wording("{who} confirmed what {after_requester} requested: {after_act}"),
    )
    ActRejected = (
        "ActRejected",
        "A request was rejected or withdrawn.",
        wording("{who} rejected what {after_requester} requested: {after_act}"),
    )
