"""Reading which products have pictures, and the pictures."""

from collections.abc import Collection

from oms.domain.access.permissions import Viewer, require
from oms.domain.catalog.policy import CatalogPermission
from oms.domain.pictures import store
from oms.domain.pictures.model import Picture
from oms.platform.db import Database


async def digests_of(db: Database, viewer: Viewer, skus: Collection[str]) -> dict[str, str]:
    """By SKU, of the products that have a picture. Raises Refused(FORBIDDEN)."""
    require(viewer, CatalogPermission.READ_CATALOG)
    return await store.digests_of(db, skus)


async def picture(db: Database, viewer: Viewer, digest: str) -> Picture | None:
    """Raises Refused(FORBIDDEN)."""
    require(viewer, CatalogPermission.READ_CATALOG)
    return await store.by_digest(db, digest)
