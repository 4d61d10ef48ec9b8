"""The concept's permissions, refusal reasons and audit actions."""

from oms.domain.vocabulary.audit_action import AuditAction, Values
from oms.domain.vocabulary.errors import Code, Reason
from oms.domain.vocabulary.permission import ALL_ALIKE_BUT_COURIERS, EVERYBODY_ALIKE, MANAGERS, SERVICES, Permission
from oms.domain.vocabulary.wording import wording


class CatalogPermission(Permission):
    """Permissions on products and warehouses."""

    READ_CATALOG = "see the catalogue", ALL_ALIKE_BUT_COURIERS
    READ_WAREHOUSES = "list warehouses", EVERYBODY_ALIKE
    SET_CATALOG = "change the catalogue and stock", MANAGERS | SERVICES


class CatalogReason(Reason):
    """Why something that names products or warehouses is refused."""

    UNKNOWN_PRODUCT = Code.INVALID, "No product has this SKU."
    UNKNOWN_WAREHOUSE = Code.INVALID, "No warehouse has this code."


def _product(_: str, before: Values, __: Values) -> str:
    return wording("{who} changed the product {subject}") if before else wording("{who} added the product {subject}")


def _warehouse(_: str, before: Values, __: Values) -> str:
    return (
        wording("{who} changed the warehouse {subject}") if before else wording("{who} added the warehouse {subject}")
    )


class CatalogAction(AuditAction):
    """What the audit log records of the catalogue."""

    ProductChanged = (
        "ProductChanged",
        "A product was created or changed.",
        _product,
    )
    WarehouseChanged = (
        "WarehouseChanged",
        "A warehouse was created or changed.",
        _warehouse,
    )
    CatalogLoaded = (
        "CatalogLoaded",
        "By a machine; only the number of changes is recorded.",
        wording("{who} loaded the catalogue: {after_changed} changes"),
    )
