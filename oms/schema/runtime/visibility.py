"""Who sees what of the schema: every field of every type, under the operation that a viewer must be allowed for it.

A field that is missing here keeps the schema from being built: nothing is shown before somebody said to whom.
"""

from collections.abc import Mapping
from typing import Final

from oms.domain.amendments.policy import AmendmentPermission
from oms.domain.audit.policy import AuditPermission
from oms.domain.cancellation.policy import CancellationPermission
from oms.domain.catalog.policy import CatalogPermission
from oms.domain.customers.policy import CustomerPermission
from oms.domain.fraud.policy import FraudPermission
from oms.domain.fulfilment.policy import FulfilmentPermission
from oms.domain.inventory.policy import InventoryPermission
from oms.domain.order.policy import OrderPermission
from oms.domain.parked.policy import ParkedPermission
from oms.domain.personal_data.policy import PersonalDataPermission
from oms.domain.placing.policy import PlacingPermission
from oms.domain.vocabulary.permission import Permission
from oms.domain.work.policy import WorkPermission

Visible = Mapping[str, Mapping[Permission | None, str]]
WHO_GETS_THERE: Final = None
"""For fields that need nothing more than what led to their type; at a root, being signed in."""


def _list_of(node: str, listed: Permission, each: Permission) -> Visible:
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
        OrderPermission.READ_ORDER: "node order shipment",
        OrderPermission.READ_ORDERS: "orders",
        OrderPermission.READ_SHIPMENTS: "shipments",
        OrderPermission.COUNT_SHIPMENTS: "shipmentCounts",
        CustomerPermission.READ_CUSTOMER: "customer",
        FraudPermission.READ_FRAUD: "fraudSettings fraudEvents",
        WorkPermission.READ_OPERATIONS: "operations",
        AuditPermission.READ_AUDIT: "auditTrail",
        ParkedPermission.MEND_WORK: "parkedWork",
        InventoryPermission.READ_STOCK: "stock",
        CatalogPermission.READ_CATALOG: "product products",
        CatalogPermission.READ_WAREHOUSES: "warehouses",
    },
    "Mutation": {
        WHO_GETS_THERE: "changePassword endSession endOtherSessions",
        PlacingPermission.PLACE_ORDER: "placeOrder placeOrders",
        AmendmentPermission.ACCEPT_AMENDMENT: "acceptAmendedOrder",
        CancellationPermission.CANCEL_ORDER: "cancelOrder",
        FulfilmentPermission.DISPATCH: "dispatchShipment",
        FulfilmentPermission.DELIVER: "deliverShipment",
        FulfilmentPermission.FAIL_SHIPMENT: "failShipment",
        FraudPermission.SET_FRAUD: "setSpendingLimit setFraudMaintenance resetFraudSettings clearSpending",
        CatalogPermission.SET_CATALOG: "upsertWarehouses upsertProducts setStock",
        ParkedPermission.MEND_WORK: "retryWork giveUpWork",
        PersonalDataPermission.ERASE_CUSTOMER: "exportCustomer eraseCustomer",
    },
    "Subscription": {
        OrderPermission.READ_ORDER: "orderUpdated orderEvents shipmentUpdated",
        OrderPermission.READ_SHIPMENTS: "shipmentUpdated",
        FraudPermission.READ_FRAUD: "fraudSettingsUpdated",
    },
    # Orders and their shipments
    "Order": {
        OrderPermission.READ_ORDER: (
            "id reference status placedAt closedAt actionDeadline lines shipments shippingAddress events"
            " viewerCanAcceptAmendment viewerCanCancel"
        ),
        OrderPermission.READ_MONEY: "total",
        CustomerPermission.READ_CUSTOMER: "customer",
        WorkPermission.READ_OPERATIONS: "work",
    },
    "OrderLine": {
        OrderPermission.READ_ORDER: "id sku name quantity unavailableQuantity",
        OrderPermission.READ_MONEY: "unitPrice",
    },
    "Address": {OrderPermission.READ_ORDER: "name line1 line2 city region postalCode country"},
    "OrderEvent": {OrderPermission.READ_ORDER: "cursor at type actor actorRole reason summary shipment"},
    "Shipment": {
        OrderPermission.READ_ORDER: (
            "id order status warehouse lines courier trackingNumber bookedAt dispatchedAt deliveredAt updatedAt"
            " viewerCanDispatch viewerCanDeliver viewerCanFail"
        ),
        OrderPermission.READ_MONEY: "invoice payment",
    },
    "ShipmentLine": {
        OrderPermission.READ_ORDER: "orderLineId sku name quantity",
        OrderPermission.READ_MONEY: "unitPrice",
    },
    "Courier": {OrderPermission.READ_ORDER: "code name"},
    "Invoice": {OrderPermission.READ_MONEY: "number subtotal discount tax shipping total issuedAt"},
    "Payment": {OrderPermission.READ_MONEY: "status reason charged refunded chargedAt"},
    "ShipmentCount": {OrderPermission.COUNT_SHIPMENTS: "status count"},
    "Customer": {CustomerPermission.READ_CUSTOMER: "id reference", OrderPermission.READ_ORDERS: "orders"},
    **_list_of("Order", OrderPermission.READ_ORDERS, OrderPermission.READ_ORDER),
    **_list_of("OrderEvent", OrderPermission.READ_ORDER, OrderPermission.READ_ORDER),
    **_list_of("Shipment", OrderPermission.READ_SHIPMENTS, OrderPermission.READ_ORDER),
    # The catalogue and stock
    "Product": {CatalogPermission.READ_CATALOG: "sku name unitPrice taxBps", InventoryPermission.READ_STOCK: "stock"},
    "StockLevel": {InventoryPermission.READ_STOCK: "sku warehouse onHand allocated available"},
    **_list_of("Product", CatalogPermission.READ_CATALOG, CatalogPermission.READ_CATALOG),
    **_list_of("Warehouse", CatalogPermission.READ_WAREHOUSES, CatalogPermission.READ_WAREHOUSES),
    # Fraud control, and how the system runs
    "FraudSettings": {FraudPermission.READ_FRAUD: "spendingLimit maintenanceMode updatedAt"},
    "FraudEvent": {FraudPermission.READ_FRAUD: "at type actor actorRole reason before after"},
    **_list_of("FraudEvent", FraudPermission.READ_FRAUD, FraudPermission.READ_FRAUD),
    "AuditEvent": {
        AuditPermission.READ_AUDIT: "at actor actorRole principal action subject orderId before after reason",
    },
    **_list_of("AuditEvent", AuditPermission.READ_AUDIT, AuditPermission.READ_AUDIT),
    "OperationsStats": {WorkPermission.READ_OPERATIONS: "queues completionRate"},
    "QueueStats": {WorkPermission.READ_OPERATIONS: "name workers backlog oldestDueSeconds"},
    "Work": {
        WorkPermission.READ_OPERATIONS: (
            "id queue step attempts dueAt held parkedAt lastError viewerCanRetry viewerCanGiveUp"
        ),
        OrderPermission.READ_ORDER: "shipment",
    },
    "ParkedWork": {
        ParkedPermission.MEND_WORK: "id queue step attempts lastError parkedAt viewerCanRetry viewerCanGiveUp",
        OrderPermission.READ_ORDER: "order shipment",
    },
    **_list_of("ParkedWork", ParkedPermission.MEND_WORK, ParkedPermission.MEND_WORK),
    # What answers a command: what became of its subject is seen by who may see the subject
    "OrderPayload": {WHO_GETS_THERE: "userErrors", OrderPermission.READ_ORDER: "order"},
    "PlaceOrdersPayload": {WHO_GETS_THERE: "results userErrors"},
    "ShipmentPayload": {WHO_GETS_THERE: "userErrors", OrderPermission.READ_ORDER: "shipment"},
    "WorkPayload": {WHO_GETS_THERE: "userErrors", OrderPermission.READ_ORDER: "order"},
    "FraudSettingsPayload": {WHO_GETS_THERE: "userErrors", FraudPermission.READ_FRAUD: "fraudSettings"},
    "CustomerPayload": {WHO_GETS_THERE: "userErrors", CustomerPermission.READ_CUSTOMER: "customer"},
    "CustomerExportPayload": {WHO_GETS_THERE: "userErrors", PersonalDataPermission.ERASE_CUSTOMER: "held"},
    "CatalogPayload": {WHO_GETS_THERE: "changed userErrors"},
    "AccountPayload": {WHO_GETS_THERE: "sessions userErrors"},
    "UserError": {WHO_GETS_THERE: "code reason message path"},
    # Parts of several types
    "Viewer": {WHO_GETS_THERE: "name role sessions canChangeFraudSettings canChangeCatalog canChangePassword"},
    "Session": {WHO_GETS_THERE: "id begunAt lastSeenAt expiresAt isThisOne"},
    "Money": {WHO_GETS_THERE: "amount currency"},
    "Warehouse": {WHO_GETS_THERE: "code name"},
    "PageInfo": {WHO_GETS_THERE: "hasNextPage hasPreviousPage startCursor endCursor"},
}
"""By type, the fields under what they need, all of it where a field stands under several operations."""


def needs_of(visible: Visible) -> dict[tuple[str, str], frozenset[Permission]]:
    """What each (type, field) needs."""
    needs: dict[tuple[str, str], frozenset[Permission]] = {}
    for type_name, groups in visible.items():
        for operation, fields in groups.items():
            for field in fields.split():
                needed = frozenset() if operation is None else frozenset({operation})
                needs[type_name, field] = needs.get((type_name, field), frozenset()) | needed
    return needs


NEEDS: Final = needs_of(VISIBLE)
