"""Setting a product's picture."""

from typing import Final

from oms.domain.access.permissions import Viewer, require
from oms.domain.audit.model import Entry
from oms.domain.audit.record import record
from oms.domain.catalog import store as catalog
from oms.domain.catalog.policy import CatalogPermission, CatalogReason
from oms.domain.pictures import store
from oms.domain.pictures.model import Picture
from oms.domain.pictures.policy import PictureAction
from oms.domain.vocabulary.errors import refused
from oms.domain.vocabulary.wording import wording
from oms.platform.db import Tx

PICTURE_BYTES: Final = 300_000


async def set_product_picture(tx: Tx, viewer: Viewer, sku: str, new: Picture | None) -> None:
    """None removes it. Raises Refused: FORBIDDEN, INVALID."""
    require(viewer, CatalogPermission.SET_CATALOG)
    if "\0" in sku or sku not in await catalog.of_skus(tx, [sku]):
        raise refused(
            CatalogReason.UNKNOWN_PRODUCT, wording("There is no product with the SKU {sku!r}.", sku=sku), "sku"
        )
    changed, before = await store.replace(tx, sku, new)
    if changed:
        after = new.digest if new else None
        entry = Entry(PictureAction.ProductPictureChanged, sku, {"picture": before}, {"picture": after})
        await record(tx, viewer, entry)
