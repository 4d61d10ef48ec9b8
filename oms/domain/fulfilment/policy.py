"""The concept's permissions, refusal reasons and audit actions."""

from oms.domain.vocabulary.audit_action import AuditAction
from oms.domain.vocabulary.errors import Code, Reason
from oms.domain.vocabulary.permission import COURIERS, STAFF, Permission
from oms.domain.vocabulary.wording import wording


class FulfilmentPermission(Permission):
    """Permissions to move shipments."""

    DISPATCH = "dispatch a shipment", COURIERS
    DELIVER = "deliver a shipment", COURIERS
    TRY_AGAIN = "try a delivery again the next day", COURIERS
    FAIL_SHIPMENT = "report a shipment as failed", COURIERS | STAFF


class FulfilmentReason(Reason):
    """Why a command on a shipment is refused."""

    NO_ATTEMPT_LEFT = Code.CONFLICT, "This is the last attempt allowed: deliver the shipment, or report it as failed."


class FulfilmentAction(AuditAction):
    """What the audit log records of shipments failed by staff."""

    ShipmentFailed = (
        "ShipmentFailed",
        "By staff; a courier who reports it overrides nothing.",
        wording("{who} reported a shipment of order {order} as failed"),
    )
