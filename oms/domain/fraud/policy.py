"""The concept's permissions, refusal reasons and audit actions."""

from oms.domain.vocabulary.audit_action import AuditAction, Values
from oms.domain.vocabulary.permission import MANAGERS, STAFF, Permission
from oms.domain.vocabulary.wording import wording


class FraudPermission(Permission):
    """Permissions on fraud control."""

    READ_FRAUD = "see the fraud settings", STAFF
    SET_FRAUD = "change the fraud settings", MANAGERS


def _settings(subject: str, _: Values, after: Values) -> str:
    """The subject names the event of the settings."""
    match subject:
        case "SpendingLimitSet":
            return wording("{who} set the spending limit from {before_limit_money} to {after_limit_money}")
        case "MaintenanceSwitched" if after.get("maintenance"):
            return wording("{who} switched maintenance mode on")
        case "MaintenanceSwitched":
            return wording("{who} switched maintenance mode off")
    return wording("{who} cleared what customers have spent")


class FraudAction(AuditAction):
    """What the audit log records of fraud control."""

    FraudSettingsChanged = (
        "FraudSettingsChanged",
        "Spending limit or maintenance, or spending started again from zero.",
        _settings,
    )
