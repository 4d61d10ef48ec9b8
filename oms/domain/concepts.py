"""The list of concepts, from which every central table is derived. A new concept is one line here."""

from typing import Final

from oms.domain.allocation.concept import ALLOCATION
from oms.domain.amendments.concept import AMENDMENTS
from oms.domain.approvals.concept import APPROVALS
from oms.domain.audit.concept import AUDIT
from oms.domain.billing.concept import BILLING
from oms.domain.booking.concept import BOOKING
from oms.domain.cancellation.concept import CANCELLATION
from oms.domain.catalog.concept import CATALOG
from oms.domain.concept.declaration import Concept
from oms.domain.concept.registry import Registry, register
from oms.domain.customers.concept import CUSTOMERS
from oms.domain.figures.concept import FIGURES
from oms.domain.fraud.concept import FRAUD
from oms.domain.fulfilment.concept import FULFILMENT
from oms.domain.idempotency.concept import IDEMPOTENCY
from oms.domain.identity.concept import IDENTITY
from oms.domain.inventory.concept import INVENTORY
from oms.domain.notes.concept import NOTES
from oms.domain.order.concept import ORDERS
from oms.domain.order_queries.concept import ORDER_QUERIES
from oms.domain.order_search.concept import ORDER_SEARCH
from oms.domain.parked.concept import PARKED
from oms.domain.personal_data.concept import PERSONAL_DATA
from oms.domain.pictures.concept import PICTURES
from oms.domain.placing.concept import PLACING
from oms.domain.quoting.concept import QUOTING
from oms.domain.shop_settings.concept import SHOP_SETTINGS
from oms.domain.tokens.concept import TOKENS
from oms.domain.work.concept import WORK
from oms.platform.tables import metadata

CONCEPTS: Final[tuple[Concept, ...]] = (
    ORDERS,
    PLACING,
    QUOTING,
    ALLOCATION,
    AMENDMENTS,
    BILLING,
    BOOKING,
    FULFILMENT,
    CANCELLATION,
    NOTES,
    ORDER_SEARCH,
    ORDER_QUERIES,
    CATALOG,
    INVENTORY,
    CUSTOMERS,
    FRAUD,
    WORK,
    PARKED,
    IDENTITY,
    TOKENS,
    AUDIT,
    IDEMPOTENCY,
    PERSONAL_DATA,
    APPROVALS,
    FIGURES,
    PICTURES,
    SHOP_SETTINGS,
)

REGISTRY: Final[Registry] = register(CONCEPTS, metadata)

__all__ = ["CONCEPTS", "REGISTRY", "metadata"]
