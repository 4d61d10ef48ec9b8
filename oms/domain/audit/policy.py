"""The concept's permissions, refusal reasons and audit actions."""

from oms.domain.vocabulary.audit_action import AuditAction
from oms.domain.vocabulary.permission import STAFF, Permission
from oms.domain.vocabulary.wording import wording


class AuditPermission(Permission):
    """Permissions on the audit log."""

    READ_AUDIT = "read the audit log", STAFF


class RefusalAction(AuditAction):
    """What the audit log records of forbidden operations."""

    OperationRefused = (
        "OperationRefused",
        "A caller tried what they may not do; recorded once a minute, with a count.",
        wording("{who} tried what they may not do, {after_times} times"),
    )


class ReadAction(AuditAction):
    """What the audit log records of reads."""

    PersonalDataRead = (
        "PersonalDataRead",
        "Staff read an order's shipping address; recorded once a minute, with a count.",
        wording("{who} read the address of order {order}, {after_times} times"),
    )


class RetentionAction(AuditAction):
    """What the audit log records of itself."""

    AuditLogExported = (
        "AuditLogExported",
        "By the operator, as JSON Lines.",
        wording("{who} exported {after_entries} entries of the audit log"),
    )
    AuditEntriesRemoved = (
        "AuditEntriesRemoved",
        "Old entries, by the operator; names the last one removed.",
        wording("{who} removed {after_removed} old entries of the audit log"),
    )
