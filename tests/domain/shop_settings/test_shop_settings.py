"""The shop's settings: what managers choose holds, at once in their process and soon in all others."""

from datetime import timedelta
from typing import Any

import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.catalog import commands as catalog
from oms.domain.catalog.model import Product
from oms.domain.fraud import commands as fraud
from oms.domain.pictures.model import Picture
from oms.domain.shop_settings import commands
from oms.domain.shop_settings.current import CurrentShop
from oms.domain.shop_settings.model import LOGO_BYTES, Choices, Shop
from oms.domain.vocabulary.errors import Refused
from tests.pictures import png
from tests.schema.api import DEFAULT_SHOP
from tests.shop import COURIER, MANAGER, SUPPORT, ShopUnderTest, customer

LOGO = Picture.of(png(), max_bytes=LOGO_BYTES)


async def choose(shop: ShopUnderTest, viewer: Viewer = MANAGER, **choices: Any) -> None:
    async with shop.db.transaction() as tx:
        await commands.set_shop_settings(tx, viewer, Choices(**choices), DEFAULT_SHOP)


async def set_logo(shop: ShopUnderTest, logo: Picture | None) -> None:
    async with shop.db.transaction() as tx:
        await commands.set_logo(tx, MANAGER, logo)


async def audited(shop: ShopUnderTest) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await shop.rows("SELECT action, before, after FROM audit_events ORDER BY id")]


async def test_what_is_not_chosen_is_the_default(shop: ShopUnderTest) -> None:
    current = CurrentShop(shop.db, DEFAULT_SHOP)
    await current.read()
    assert current.now == DEFAULT_SHOP
    await choose(shop, name="Harbour", time_zone="Europe/Lisbon", amendment_timeout_s=600)
    await current.read()
    assert current.now == Shop("Harbour", "Europe/Lisbon", "USD", timedelta(minutes=10))
    await choose(shop, name="Harbour")
    await current.read()
    assert current.now == Shop("Harbour", None, "USD", timedelta(days=1))


async def test_only_what_changes_is_recorded(shop: ShopUnderTest) -> None:
    await choose(shop, name="Harbour", currency="EUR")
    await choose(shop, name="Harbour", currency="EUR")
    await choose(shop, name="Harbour", currency="EUR", time_zone="Europe/Lisbon")
    await set_logo(shop, LOGO)
    await set_logo(shop, LOGO)
    await set_logo(shop, None)
    assert await audited(shop) == [
        ("ShopSettingsChanged", {"name": None, "currency": None}, {"name": "Harbour", "currency": "EUR"}),
        ("ShopSettingsChanged", {"time_zone": None}, {"time_zone": "Europe/Lisbon"}),
        ("ShopLogoChanged", {"logo": None}, {"logo": LOGO.digest}),
        ("ShopLogoChanged", {"logo": LOGO.digest}, {"logo": None}),
    ]
    assert await shop.rows("SELECT version FROM shop_settings") == [(4,)]


@pytest.mark.parametrize("viewer", [SUPPORT, COURIER, customer("ana")])
async def test_only_managers_change_them(shop: ShopUnderTest, viewer: Viewer) -> None:
    with pytest.raises(Refused, match="settings of the shop"):
        await choose(shop, viewer, name="Mine")


@pytest.mark.parametrize(
    ("choices", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 41}, "name"),
        ({"name": "Har\u200bbour"}, "name"),
        ({"time_zone": "Europe/Atlantis"}, "timeZone"),
        ({"currency": "euro"}, "currency"),
        ({"amendment_timeout_s": 59}, "amendmentTimeoutSeconds"),
        ({"amendment_timeout_s": 90 * 86_400 + 1}, "amendmentTimeoutSeconds"),
    ],
)
async def test_impossible_values_are_refused_at_their_field(
    shop: ShopUnderTest, choices: dict[str, Any], path: str
) -> None:
    with pytest.raises(Refused) as refusal:
        await choose(shop, **choices)
    assert [problem.path for problem in refusal.value.problems] == [(path,)]
    assert await shop.rows("SELECT version FROM shop_settings") == []


async def test_the_currency_changes_only_while_nothing_depends_on_it(shop: ShopUnderTest) -> None:
    async with shop.db.transaction() as tx:
        await fraud.set_spending_limit(tx, MANAGER, 100, "USD")
    with pytest.raises(Refused, match="spending limit, in USD"):
        await choose(shop, currency="EUR")
    async with shop.db.transaction() as tx:
        await fraud.reset(tx, MANAGER)
        await catalog.upsert_products(tx, MANAGER, [Product("MUG", "Mug", 100, "EUR")])
    await choose(shop, currency="EUR")
    with pytest.raises(Refused, match="in EUR"):
        await choose(shop)  # would make it USD again
    await choose(shop, currency="EUR", name="Harbour")  # what is not changed needs no permission


async def test_a_manager_s_deadline_is_that_of_orders_amended_from_then_on(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 5}})
    before = await shop.place({"MUG": 9})
    await shop.run("allocation")
    await choose(shop, amendment_timeout_s=600)
    after = await shop.place({"MUG": 9})
    await shop.run("allocation")
    left = "SELECT extract(epoch FROM action_deadline - clock_timestamp()) FROM orders WHERE id = :id"
    [(first,)], [(second,)] = [await shop.rows(left, id=order) for order in (before, after)]
    assert 3500 < first <= 3600
    assert 500 < second <= 600


async def test_the_logo_is_read_again_only_when_it_changed(shop: ShopUnderTest) -> None:
    current = CurrentShop(shop.db, DEFAULT_SHOP)
    await set_logo(shop, LOGO)
    await current.read()
    assert (known := current.logo) == LOGO
    await choose(shop, name="Harbour")
    await current.read()
    assert current.logo is known
    await set_logo(shop, None)
    await current.read()
    assert current.logo is None
