"""The concept's permissions, refusal reasons and audit actions."""

from oms.domain.vocabulary.audit_action import AuditAction
from oms.domain.vocabulary.permission import ALL_BUT_COURIERS, Permission
from oms.domain.vocabulary.wording import wording


class CancellationPermission(Permission):
    """Permissions to cancel."""

    CANCEL_ORDER = "cancel an order", ALL_BUT_COURIERS


class CancellationAction(AuditAction):
    """What the audit log records of cancellations by staff."""

    OrderCancelled = (
        "OrderCancelled",
        "By staff; a customer who cancels overrides nothing.",
        wording("{who} cancelled order {order}"),
    )
