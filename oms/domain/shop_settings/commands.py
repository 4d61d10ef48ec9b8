"""What managers do with the shop's settings."""

from typing import Final

from oms.domain.access.permissions import Viewer, require
from oms.domain.audit.model import Entry
from oms.domain.audit.record import record
from oms.domain.catalog import store as catalog
from oms.domain.fraud import store as fraud
from oms.domain.identity.policy import IdentityReason
from oms.domain.pictures.model import Picture
from oms.domain.shop_settings import store
from oms.domain.shop_settings.model import Choices, Shop
from oms.domain.shop_settings.policy import ShopAction, ShopPermission, ShopReason
from oms.domain.vocabulary.errors import refuse_all, refused
from oms.domain.vocabulary.wording import wording
from oms.platform.db import Tx
from oms.platform.locale.time_zone import time_zones

SUBJECT: Final = "shop"


async def set_shop_settings(
    tx: Tx, viewer: Viewer, new: Choices, default: Shop, *, expected_version: int | None = None
) -> None:
    """All choices at once; None: the default. Raises Refused: FORBIDDEN, INVALID, CONFLICT."""
    require(viewer, ShopPermission.SET_SHOP)
    refuse_all(new.problems())
    if new.time_zone is not None and new.time_zone not in time_zones():
        message = wording("There is no time zone {name!r}; give a name such as Europe/Berlin.", name=new.time_zone)
        raise refused(IdentityReason.UNKNOWN_TIME_ZONE, message, "timeZone")
    old = await store.to_change(tx)
    if expected_version not in (None, old.version):
        message = wording("Somebody else changed these settings meanwhile: look at them again, then save.")
        raise refused(ShopReason.SHOP_SETTINGS_CHANGED, message, "expectedVersion")
    currency = old.over(default).currency
    if (new.currency or default.currency) != currency:
        await _require_unused(tx, currency)
    before, after = new.different_from(old.choices)
    if after:
        await store.change(tx, new)
        await record(tx, viewer, Entry(ShopAction.ShopSettingsChanged, SUBJECT, before, after))


async def set_logo(tx: Tx, viewer: Viewer, new: Picture | None) -> None:
    """None removes it. Raises Refused(FORBIDDEN)."""
    require(viewer, ShopPermission.SET_SHOP)
    old = (await store.to_change(tx)).logo
    before, after = old.digest if old else None, new.digest if new else None
    if before != after:
        await store.change_logo(tx, new)
        await record(tx, viewer, Entry(ShopAction.ShopLogoChanged, SUBJECT, {"logo": before}, {"logo": after}))


async def _require_unused(tx: Tx, currency: str) -> None:
    """The default currency may change only while nothing depends on the present one.

    A price that a program sends without a currency, and a limit that it sets without one, are in the default currency.
    Were it changed under such programs, the same number would become a price in another currency.
    """
    limits, _ = await fraud.settings_for_charges(tx)
    if await catalog.has_price_in(tx, currency) or limits.limit_minor(currency):
        message = wording(
            "Products have prices, or customers a spending limit, in {currency}. Give the products prices in the new"
            " currency and remove the limit first: else what programs send without a currency would mean another one.",
            currency=currency,
        )
        raise refused(ShopReason.CURRENCY_IN_USE, message, "currency")
