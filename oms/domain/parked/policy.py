"""The concept's permissions, refusal reasons and audit actions."""

from oms.domain.vocabulary.audit_action import AuditAction
from oms.domain.vocabulary.errors import Code, Reason
from oms.domain.vocabulary.permission import SUPPORT, Permission
from oms.domain.vocabulary.wording import wording


class ParkedPermission(Permission):
    """Permissions on stuck jobs."""

    MEND_WORK = "retry or give up stuck jobs", SUPPORT


class ParkedReason(Reason):
    """Why a stuck job is left as it is."""

    NOT_PARKED = Code.NOT_FOUND, "No stuck job has this id; it may have been retried already."
    CANNOT_BE_GIVEN_UP = Code.CONFLICT, "Only a job of a pending shipment can be given up."


class ParkedAction(AuditAction):
    """What the audit log records of stuck jobs."""

    WorkRetried = (
        "WorkRetried",
        "Support made stuck work due again.",
        wording("{who} retried a stuck job of order {order}"),
    )
    WorkGivenUp = (
        "WorkGivenUp",
        "Support failed a shipment whose work was stuck.",
        wording("{who} gave up a stuck job of order {order}"),
    )
