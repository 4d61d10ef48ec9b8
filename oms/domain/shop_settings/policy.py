"""The concept's permissions, refusal reasons and audit actions."""

from oms.domain.vocabulary.audit_action import AuditAction, Values
from oms.domain.vocabulary.errors import Code, Reason
from oms.domain.vocabulary.permission import MANAGERS, STAFF, Permission
from oms.domain.vocabulary.wording import wording


class ShopPermission(Permission):
    """Permissions on the shop's settings. Name, logo and currency are seen by everybody, as parts of pages."""

    READ_SHOP = "see the settings of the shop", STAFF
    SET_SHOP = "change the settings of the shop", MANAGERS


class ShopReason(Reason):
    """Why a setting of the shop is not changed."""

    CURRENCY_IN_USE = Code.CONFLICT, "Products have prices, or customers a spending limit, in the default currency."
    SHOP_SETTINGS_CHANGED = Code.CONFLICT, "Somebody changed the settings of the shop since the caller read them."


def _logo(_: str, before: Values, after: Values) -> str:
    if not after.get("logo"):
        return wording("{who} removed the shop's logo")
    return wording("{who} replaced the shop's logo") if before.get("logo") else wording("{who} added a logo")


class ShopAction(AuditAction):
    """What the audit log records of the shop's settings."""

    ShopSettingsChanged = (
        "ShopSettingsChanged",
        "Name, time zone, default currency or amendment deadline of the shop.",
        wording("{who} changed the settings of the shop"),
    )
    ShopLogoChanged = (
        "ShopLogoChanged",
        "The shop's logo was set or removed; the picture itself is not recorded, its digest is.",
        _logo,
    )
