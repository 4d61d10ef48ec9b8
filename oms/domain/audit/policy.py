"""The concept's permissions, refusal reasons and audit actions."""

from oms.domain.vocabulary.audit_action import AuditAction
from oms.domain.vocabulary.permission import STAFF, Permission


class AuditPermission(Permission):
    """Permissions on the audit log."""

    READ_AUDIT = "read the audit log", STAFF


class RefusalAction(AuditAction):
    """What the audit log records of forbidden operations."""

    OperationRefused = "OperationRefused"


class ReadAction(AuditAction):
    """What the audit log records of reads."""

    PersonalDataRead = "PersonalDataRead"


class RetentionAction(AuditAction):
    """What the audit log records of itself."""

    AuditLogExported = "AuditLogExported"
    AuditEntriesRemoved = "AuditEntriesRemoved"
