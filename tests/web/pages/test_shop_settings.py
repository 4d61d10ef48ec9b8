"""The pages on which a manager chooses the shop's settings, without scripts."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from oms.app import SHOP_NAME, described_providers
from oms.domain.shop_settings.model import ProviderMode, Providers
from oms.platform.settings import load_settings
from tests.pictures import jpeg, png
from tests.shop import ShopUnderTest
from tests.web.conftest import Server
from tests.web.pages.conftest import hidden, persona, visiting

SHOP = "/settings/shop"
NOTHING = {"name": "", "timeZone": "", "currency": "", "minutes": ""}


@pytest.fixture
async def browser(pages: Server, shop: ShopUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    """A manager's; nothing is chosen before, and again afterwards, also in the server's memory."""
    async with persona(pages, "manager") as browser:
        assert (await browser.post(SHOP, data=NOTHING)).status_code == 303
        yield browser
        assert (await browser.post(SHOP, data=NOTHING)).status_code == 303
        assert (await browser.post(f"{SHOP}/logo/removal")).status_code == 303


async def choose(browser: httpx.AsyncClient, **values: str) -> httpx.Response:
    page = (await browser.get(SHOP)).text
    return await browser.post(
        SHOP, data=NOTHING | {"key": hidden(page, "key"), "version": hidden(page, "version")} | values
    )


async def upload(browser: httpx.AsyncClient, content: bytes, name: str = "logo.png") -> httpx.Response:
    files = {"picture": (name, content, "image/svg+xml")}
    return await browser.post(f"{SHOP}/logo", files=files)


async def test_the_chosen_name_is_on_every_page_at_once(browser: httpx.AsyncClient, pages: Server) -> None:
    assert f"· {SHOP_NAME}</title>" in (await browser.get("/settings")).text
    assert (await choose(browser, name="Harbour & Sons")).status_code == 303
    for address in ("/settings", "/home", "/manager/stock"):
        page = (await browser.get(address)).text
        assert "· Harbour &amp; Sons</title>" in page
        assert '<span class="name">Harbour &amp; Sons</span>' in page
    async with visiting(pages) as stranger:
        assert "· Harbour &amp; Sons</title>" in (await stranger.get("/")).text


async def test_the_page_shows_what_holds_and_who_says_so(browser: httpx.AsyncClient) -> None:
    page = (await browser.get(SHOP)).text
    assert "Now <strong>USD</strong>, as OMS_CURRENCY says." in page
    assert "Now <strong>1 day</strong>, as OMS_AMENDMENT_TIMEOUT_S says." in page
    await choose(browser, minutes="90", timeZone="Europe/Lisbon")
    page = (await browser.get(SHOP)).text
    assert "Now <strong>90 minutes</strong>, chosen here." in page
    assert "<option selected>Europe/Lisbon</option>" in page


async def test_staff_see_the_shop_s_time_zone_and_customers_their_browser_s(
    browser: httpx.AsyncClient, pages: Server
) -> None:
    await choose(browser, timeZone="Asia/Tokyo")
    assert 'data-zone="Asia/Tokyo"' in (await browser.get(SHOP)).text
    async with persona(pages, "customer") as customer:
        page = (await customer.get("/orders")).text
        assert "data-zone=" not in page
        assert "Asia/Tokyo" in page  # what the server writes for those without a script


async def test_a_refusal_stands_at_its_field_and_keeps_what_was_entered(browser: httpx.AsyncClient) -> None:
    refused = await choose(browser, name="Harbour", currency="EUR")
    assert refused.status_code == 422
    assert 'id="currency-refusal"' in refused.text
    assert hidden(refused.text, "name") == "Harbour"
    refused = await choose(browser, minutes="soon")
    assert 'id="minutes-refusal"' in refused.text


async def test_who_saves_an_old_page_is_told_so(browser: httpx.AsyncClient) -> None:
    old = hidden((await browser.get(SHOP)).text, "version")
    await choose(browser, name="Harbour")
    refused = await choose(browser, name="Port", version=old)
    assert refused.status_code == 422
    assert "Somebody else changed these settings meanwhile" in refused.text


async def test_a_logo_is_served_as_what_it_is_and_cached_for_ever(browser: httpx.AsyncClient, pages: Server) -> None:
    assert (await upload(browser, png(30, 20), "logo.svg")).status_code == 303
    page = (await browser.get(SHOP)).text
    [address] = {part.split('"')[0] for part in page.split('src="')[1:] if part.startswith("/logo/")}
    async with visiting(pages) as stranger:
        served = await stranger.get(address)
        assert served.content == png(30, 20)
        assert served.headers["content-type"] == "image/png"
        assert served.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in served.headers["content-security-policy"]
        assert "sandbox" in served.headers["content-security-policy"]
        assert "immutable" in served.headers["cache-control"]
        again = await stranger.get(address, headers={"If-None-Match": served.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert (await stranger.get("/logo/" + "0" * 32)).status_code == 404
    assert (await browser.post(f"{SHOP}/logo/removal")).status_code == 303
    assert (await browser.get(address)).status_code == 404


@pytest.mark.parametrize(
    "content", [b"", b"<svg xmlns='http://www.w3.org/2000/svg'/>", png() + b"<html>", b"\xff\xd8" + bytes(100_001)]
)
async def test_what_is_no_small_picture_is_refused(browser: httpx.AsyncClient, content: bytes) -> None:
    refused = await upload(browser, content)
    assert refused.status_code == 422
    assert 'id="picture-refusal"' in refused.text


async def test_the_same_press_twice_is_one_change(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    key = hidden((await browser.get(SHOP)).text, "key")
    for _ in range(2):
        files = {"picture": ("a.jpg", jpeg(3, 3), "image/jpeg")}
        assert (await browser.post(f"{SHOP}/logo", data={"key": key}, files=files)).status_code == 303
    assert await shop.rows("SELECT version, logo_type FROM shop_settings") == [(1, "image/jpeg")]


async def test_another_process_s_change_is_seen_within_seconds(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    await shop.execute("UPDATE shop_settings SET name = 'Harbour'")
    page = ""
    for _ in range(200):
        page = (await browser.get("/settings")).text
        if "· Harbour</title>" in page:
            break
        await asyncio.sleep(0.1)
    assert "· Harbour</title>" in page


async def test_the_index_shows_payment_and_courier_as_sandbox(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/settings")).text
    assert page.count("Sandbox</span>") == 2
    assert "Each product’s own; without one, 0 %." in page
    assert "$0.00 a shipment and $0.00 a unit." in page


def test_of_a_service_only_the_host_is_told() -> None:
    settings = load_settings(providers_url="https://shop:secret@billing.example/v1")
    assert described_providers(settings) == Providers(ProviderMode.SERVICE, "billing.example")


async def test_the_index_leads_to_pages_that_exist(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/settings")).text.split("<main")[1].split("</main>")[0]
    addresses = [part.split('"')[0] for part in page.split('<a href="')[1:]]
    assert SHOP in addresses
    assert {address: (await browser.get(address)).status_code for address in addresses} == dict.fromkeys(addresses, 200)
