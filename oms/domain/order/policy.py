"""The concept's permissions, refusal reasons and audit actions."""

from oms.domain.vocabulary.errors import Code, Reason
from oms.domain.vocabulary.permission import ALL_BUT_COURIERS, COURIERS, EVERYBODY, STAFF, Permission


class OrderPermission(Permission):
    """Permissions to read orders and shipments."""

    READ_ORDERS = "list orders", ALL_BUT_COURIERS
    READ_ORDER = "read an order and its shipments", EVERYBODY
    READ_MONEY = "see prices and payments", ALL_BUT_COURIERS
    READ_SHIPMENTS = "list shipments", EVERYBODY
    COUNT_SHIPMENTS = "count shipments", COURIERS | STAFF


class OrderReason(Reason):
    """Why a command on an order or a shipment is refused."""

    ORDER_NOT_FOUND = Code.NOT_FOUND, "There is no such order, or the caller may not see it."
    SHIPMENT_NOT_FOUND = Code.NOT_FOUND, "There is no such shipment, or the caller may not see it."
    NOT_AWAITING_ACCEPTANCE = Code.CONFLICT, "The order is not waiting for its customer's acceptance."
    NOTHING_TO_ACCEPT = Code.CONFLICT, "Nothing of the amended order is available, so it can only be cancelled."
    ACTION_DEADLINE_PASSED = Code.CONFLICT, "The customer's time to accept the amended order has run out."
    TOO_LATE_TO_CANCEL = Code.CONFLICT, "A shipment of the order was dispatched already."
    NOT_CANCELLABLE = Code.CONFLICT, "The order is already completed, failed, cancelled or timed out."
    NOT_BOOKED = Code.CONFLICT, "Only a BOOKED shipment can be dispatched."
    NOT_DISPATCHED = Code.CONFLICT, "Only a DISPATCHED shipment can be delivered, or attempted to be."
    NOT_WITH_COURIER = Code.CONFLICT, "Only a BOOKED or DISPATCHED shipment can be reported as failed."
