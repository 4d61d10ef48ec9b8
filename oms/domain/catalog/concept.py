"""The catalogue describes itself."""

from typing import Final

from oms.domain.catalog.policy import CatalogAction, CatalogPermission, CatalogReason
from oms.domain.catalog.tables import product_terms, products, warehouses
from oms.domain.concept.declaration import Concept

CATALOG: Final = Concept(
    name="catalog",
    tables=(products, product_terms, warehouses),
    permissions=(CatalogPermission,),
    reasons=(CatalogReason,),
    audit_actions=(CatalogAction,),
)
