"""The concept's permissions, refusal reasons and audit actions."""

from oms.domain.vocabulary.audit_action import AuditAction
from oms.domain.vocabulary.permission import MANAGERS, STAFF, Permission


class FraudPermission(Permission):
    """Permissions on fraud control."""

    READ_FRAUD = "see the fraud settings", STAFF
    SET_FRAUD = "change the fraud settings", MANAGERS


class FraudAction(AuditAction):
    """What the audit log records of fraud control."""

    FraudSettingsChanged = "FraudSettingsChanged", "Spending limit or maintenance, or spending started again from zero."
