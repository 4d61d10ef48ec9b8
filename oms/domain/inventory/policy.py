"""The concept's permissions, refusal reasons and audit actions."""

from oms.domain.vocabulary.audit_action import AuditAction
from oms.domain.vocabulary.errors import Code, Reason
from oms.domain.vocabulary.permission import SERVICES, STAFF, Permission
from oms.domain.vocabulary.wording import wording


class InventoryPermission(Permission):
    """Permissions on stock."""

    READ_STOCK = "see stock", STAFF | SERVICES


class InventoryReason(Reason):
    """Why a change of stock is refused."""

    STOCK_CHANGED = Code.CONFLICT, "The units on hand are not those that the caller expects."
    BELOW_ALLOCATED = Code.CONFLICT, "The units on hand would fall below what is allocated to orders."


class InventoryAction(AuditAction):
    """What the audit log records of stock."""

    StockSet = (
        "StockSet",
        "The stock of a product in a warehouse was set.",
        wording("{who} counted {subject}: {after_onHand} on hand instead of {before_onHand}"),
    )
