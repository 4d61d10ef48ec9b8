"""The concept's permissions, refusal reasons and audit actions."""

from oms.domain.vocabulary.audit_action import AuditAction
from oms.domain.vocabulary.permission import STAFF, Permission


class AuditPermission(Permission):
    """Permissions on the audit log."""

    READ_AUDIT = "read the audit log", STAFF


class RefusalAction(AuditAction):
    """What the audit log records of forbidden operations."""

    OperationRefused = "OperationRefused", "A caller tried what they may not do; recorded once a minute, with a count."


class ReadAction(AuditAction):
    """What the audit log records of reads."""

    PersonalDataRead = (
        "PersonalDataRead",
        "Staff read an order's shipping address; recorded once a minute, with a count.",
    )


class RetentionAction(AuditAction):
    """What the audit log records of itself."""

    AuditLogExported = "AuditLogExported", "By the operator, as JSON Lines."
    AuditEntriesRemoved = "AuditEntriesRemoved", "Old entries, by the operator; names the last one removed."
