"""Reading the shop's settings."""

from oms.domain.access.permissions import Viewer, require
from oms.domain.shop_settings import store
from oms.domain.shop_settings.model import ShopSettings
from oms.domain.shop_settings.policy import ShopPermission
from oms.platform.db import Database


async def shop_settings(db: Database, viewer: Viewer) -> ShopSettings:
    """As they are stored. Raises Refused(FORBIDDEN)."""
    require(viewer, ShopPermission.READ_SHOP)
    return await store.read(db)
