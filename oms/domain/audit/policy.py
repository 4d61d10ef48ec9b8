"""The concept's permissions, refusal reasons and audit actions."""

from oms.domain.vocabulary.audit_action import AuditAction
from oms.domain.vocabulary.permission import STAFF, Permission


class AuditPermission(Permission):
    """Permissions on the audit trail."""

    READ_AUDIT = "read the audit trail", STAFF


class RefusalAction(AuditAction):
    """What the audit trail records of forbidden operations."""

    OperationRefused = "OperationRefused"
