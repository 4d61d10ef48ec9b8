"""The shop's settings describe themselves."""

from typing import Final

from oms.domain.concept.declaration import Concept
from oms.domain.shop_settings.policy import ShopAction, ShopPermission, ShopReason
from oms.domain.shop_settings.tables import shop_settings

SHOP_SETTINGS: Final = Concept(
    name="shop_settings",
    tables=(shop_settings,),
    permissions=(ShopPermission,),
    reasons=(ShopReason,),
    audit_actions=(ShopAction,),
)
