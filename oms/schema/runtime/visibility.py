"""Who sees what of the schema: every field of every type, under the operation that a viewer must be allowed for it.

A field that is missing here keeps the schema from being built: nothing is shown before somebody said to whom.
"""

from collections.abc import Mapping
from typing import Final

from oms.domain.access.permissions import Operation

Visible = Mapping[str, Mapping[Operation | None, str]]
WHO_GETS_THERE: Final = None
"""For fields that need nothing more than what led to their type; at a root, being signed in."""

O = Operation  # noqa: E741 - reads as the table's column head


def _list_of(node: str, listed: Operation, each: Operation) -> Visible:
    """The two types of a paged list: `listed` is needed to page through it, `each` to see an entry."""
    if listed == each:
        return {f"{node}Connection": {each: "pageInfo edges nodes"}, f"{node}Edge": {each: "cursor node"}}
    return {
        f"{node}Connection": {listed: "pageInfo edges", each: "nodes"},
        f"{node}Edge": {listed: "cursor", each: "node"},
    }


VISIBLE: Final[Visible] = {
    "Query": {
        WHO_GETS_THERE: "viewer defaultCurrency",
        O.READ_ORDER: "node order shipment",
        O.READ_ORDERS: "orders",
        O.READ_SHIPMENTS: "shipments",
        O.COUNT_SHIPMENTS: "shipmentCounts",
        O.READ_CUSTOMER: "customer",
        O.READ_FRAUD: "fraudSettings fraudEvents",
        O.READ_OPERATIONS: "operations",
        O.READ_AUDIT: "auditTrail",
        O.MEND_WORK: "parkedWork",
        O.READ_STOCK: "stock",
        O.READ_CATALOG: "product products",
        O.READ_WAREHOUSES: "warehouses",
    },
    "Mutation": {
        WHO_GETS_THERE: "changePassword endSession endOtherSessions",
        O.PLACE_ORDER: "placeOrder placeOrders",
        O.ACCEPT_AMENDMENT: "acceptAmendedOrder",
        O.CANCEL_ORDER: "cancelOrder",
        O.DISPATCH: "dispatchShipment",
        O.DELIVER: "deliverShipment",
        O.FAIL_SHIPMENT: "failShipment",
        O.SET_FRAUD: "setSpendingLimit setFraudMaintenance resetFraudSettings clearSpending",
        O.SET_CATALOG: "upsertWarehouses upsertProducts setStock",
        O.MEND_WORK: "retryWork giveUpWork",
        O.ERASE_CUSTOMER: "exportCustomer eraseCustomer",
    },
    "Subscription": {
        O.READ_ORDER: "orderUpdated orderEvents shipmentUpdated",
        O.READ_SHIPMENTS: "shipmentUpdated",
        O.READ_FRAUD: "fraudSettingsUpdated",
    },
    # Orders and their shipments
    "Order": {
        O.READ_ORDER: (
            "id reference status placedAt closedAt actionDeadline lines shipments shippingAddress events"
            " viewerCanAcceptAmendment viewerCanCancel"
        ),
        O.READ_MONEY: "total",
        O.READ_CUSTOMER: "customer",
        O.READ_OPERATIONS: "work",
    },
    "OrderLine": {O.READ_ORDER: "id sku name quantity unavailableQuantity", O.READ_MONEY: "unitPrice"},
    "Address": {O.READ_ORDER: "name line1 line2 city region postalCode country"},
    "OrderEvent": {O.READ_ORDER: "cursor at type actor actorRole reason summary shipment"},
    "Shipment": {
        O.READ_ORDER: (
            "id order status warehouse lines courier trackingNumber bookedAt dispatchedAt deliveredAt updatedAt"
            " viewerCanDispatch viewerCanDeliver viewerCanFail"
        ),
        O.READ_MONEY: "invoice payment",
    },
    "ShipmentLine": {O.READ_ORDER: "orderLineId sku name quantity", O.READ_MONEY: "unitPrice"},
    "Courier": {O.READ_ORDER: "code name"},
    "Invoice": {O.READ_MONEY: "number subtotal discount tax shipping total issuedAt"},
    "Payment": {O.READ_MONEY: "status reason charged refunded chargedAt"},
    "ShipmentCount": {O.COUNT_SHIPMENTS: "status count"},
    "Customer": {O.READ_CUSTOMER: "id reference", O.READ_ORDERS: "orders"},
    **_list_of("Order", O.READ_ORDERS, O.READ_ORDER),
    **_list_of("OrderEvent", O.READ_ORDER, O.READ_ORDER),
    **_list_of("Shipment", O.READ_SHIPMENTS, O.READ_ORDER),
    # The catalogue and stock
    "Product": {O.READ_CATALOG: "sku name unitPrice taxBps", O.READ_STOCK: "stock"},
    "StockLevel": {O.READ_STOCK: "sku warehouse onHand allocated available"},
    **_list_of("Product", O.READ_CATALOG, O.READ_CATALOG),
    **_list_of("Warehouse", O.READ_WAREHOUSES, O.READ_WAREHOUSES),
    # Fraud control, and how the system runs
    "FraudSettings": {O.READ_FRAUD: "spendingLimit maintenanceMode updatedAt"},
    "FraudEvent": {O.READ_FRAUD: "at type actor actorRole reason before after"},
    **_list_of("FraudEvent", O.READ_FRAUD, O.READ_FRAUD),
    "AuditEvent": {
        O.READ_AUDIT: "at actor actorRole principal action subject orderId before after reason",
    },
    **_list_of("AuditEvent", O.READ_AUDIT, O.READ_AUDIT),
    "OperationsStats": {O.READ_OPERATIONS: "queues completionRate"},
    "QueueStats": {O.READ_OPERATIONS: "name workers backlog oldestDueSeconds"},
    "Work": {
        O.READ_OPERATIONS: ("id queue step attempts dueAt held parkedAt lastError viewerCanRetry viewerCanGiveUp"),
        O.READ_ORDER: "shipment",
    },
    "ParkedWork": {
        O.MEND_WORK: "id queue step attempts lastError parkedAt viewerCanRetry viewerCanGiveUp",
        O.READ_ORDER: "order shipment",
    },
    **_list_of("ParkedWork", O.MEND_WORK, O.MEND_WORK),
    # What answers a command: what became of its subject is seen by who may see the subject
    "OrderPayload": {WHO_GETS_THERE: "userErrors", O.READ_ORDER: "order"},
    "PlaceOrdersPayload": {WHO_GETS_THERE: "results userErrors"},
    "ShipmentPayload": {WHO_GETS_THERE: "userErrors", O.READ_ORDER: "shipment"},
    "WorkPayload": {WHO_GETS_THERE: "userErrors", O.READ_ORDER: "order"},
    "FraudSettingsPayload": {WHO_GETS_THERE: "userErrors", O.READ_FRAUD: "fraudSettings"},
    "CustomerPayload": {WHO_GETS_THERE: "userErrors", O.READ_CUSTOMER: "customer"},
    "CustomerExportPayload": {WHO_GETS_THERE: "userErrors", O.ERASE_CUSTOMER: "held"},
    "CatalogPayload": {WHO_GETS_THERE: "changed userErrors"},
    "AccountPayload": {WHO_GETS_THERE: "sessions userErrors"},
    "UserError": {WHO_GETS_THERE: "code message path"},
    # Parts of several types
    "Viewer": {WHO_GETS_THERE: "name role sessions canChangeFraudSettings canChangeCatalog canChangePassword"},
    "Session": {WHO_GETS_THERE: "id begunAt lastSeenAt expiresAt isThisOne"},
    "Money": {WHO_GETS_THERE: "amount currency"},
    "Warehouse": {WHO_GETS_THERE: "code name"},
    "PageInfo": {WHO_GETS_THERE: "hasNextPage hasPreviousPage startCursor endCursor"},
}
"""By type, the fields under what they need, all of it where a field stands under several operations."""


def needs_of(visible: Visible) -> dict[tuple[str, str], frozenset[Operation]]:
    """What each (type, field) needs."""
    needs: dict[tuple[str, str], frozenset[Operation]] = {}
    for type_name, groups in visible.items():
        for operation, fields in groups.items():
            for field in fields.split():
                needed = frozenset() if operation is None else frozenset({operation})
                needs[type_name, field] = needs.get((type_name, field), frozenset()) | needed
    return needs


NEEDS: Final = needs_of(VISIBLE)
