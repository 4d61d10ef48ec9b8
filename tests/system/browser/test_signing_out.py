"""When a session ends, a courier's phone deletes its cached pages and keeps its queued actions."""

from playwright.async_api import Page, expect

from tests.system.browser.chromium import PHONE
from tests.system.browser.conftest import Visit
from tests.system.browser.elsewhere import Elsewhere

STREET = "1 Harbour Street"  # of every order that is placed elsewhere


GONE = "caches.has('courier-pages').then((has) => !has)"  # what courier-worker.js keeps


AGED = """(async () => {{
  const [cache, at] = [await caches.open("courier-pages"), String(Date.now() - {minutes} * 60000)];
  for (const request of (await cache.keys()).filter((each) => each.url.includes("/shipments/"))) {{
    const old = await cache.match(request, {{ ignoreVary: true }});
    const headers = new Headers(old.headers);
    headers.set("Stored-At", at);
    const html = (await old.text()).replace(/data-stored-at="[0-9]+"/, `data-stored-at="${{at}}"`);
    await cache.put(request, new Response(html, {{ headers }}));
  }}
}})()"""
"""The stored pages of shipments were stored so many minutes ago."""


STORED = """caches.open("courier-pages").then((cache) => cache.keys())
  .then((requests) => requests.map((request) => request.url))"""


async def open_shipment(courier: Page, elsewhere: Elsewhere) -> tuple[str, str]:
    """A booked shipment's order, and the address of its page, which is cached."""
    booked = await elsewhere.booked({"COFFEE-1KG": 1})
    address = f"/courier/shipments/{booked['shipments'][0]['id']}"
    await courier.evaluate("navigator.serviceWorker.ready")
    await courier.goto(address)
    await courier.wait_for_function("navigator.serviceWorker.controller !== null")
    await courier.reload()
    await expect(courier.locator("main")).to_contain_text(STREET)
    return booked["id"], address


async def test_signing_out_deletes_cached_pages(visit: Visit, elsewhere: Elsewhere) -> None:
    """Also from a page without the courier's script."""
    courier = await visit("courier", viewport=PHONE)
    await open_shipment(courier, elsewhere)
    assert not await courier.evaluate(GONE)
    await courier.goto("/account")
    await courier.locator(".bar details.menu summary").last.click()
    await courier.get_by_role("button", name="Sign out", exact=True).click()
    await courier.wait_for_function(GONE)


async def test_signing_out_clears_the_browser_s_cache(visit: Visit) -> None:
    """Neither cookies, by which the device is known, nor storage, where unsent actions wait."""
    courier = await visit("courier", viewport=PHONE)
    await courier.locator(".bar details.menu summary").last.click()
    async with courier.expect_response(lambda answer: answer.url.endswith("/sign-out")) as answered:
        await courier.get_by_role("button", name="Sign out", exact=True).click()
    assert await (await answered.value).header_value("clear-site-data") == '"cache"'


async def test_a_page_opened_offline_shows_its_age_until_it_is_refreshed(visit: Visit, elsewhere: Elsewhere) -> None:
    courier = await visit("courier", viewport=PHONE)
    await open_shipment(courier, elsewhere)
    await expect(courier.locator("#age")).to_be_hidden()
    await courier.context.set_offline(True)
    await courier.evaluate(AGED.format(minutes=125))
    await courier.reload()
    await expect(courier.locator("main")).to_contain_text(STREET)
    await expect(courier.locator("#age")).to_contain_text("stored on this device 2 h 5 min ago")
    await courier.context.set_offline(False)
    await expect(courier.locator("#age")).to_be_hidden()


async def test_pages_older_than_a_shift_are_deleted(visit: Visit, elsewhere: Elsewhere) -> None:
    courier = await visit("courier", viewport=PHONE)
    await open_shipment(courier, elsewhere)
    await courier.goto("/courier")
    await courier.context.set_offline(True)
    for minutes, kept in ((8 * 60 - 2, True), (8 * 60 + 1, False)):
        await courier.evaluate(AGED.format(minutes=minutes))
        await courier.reload()
        await expect(courier.get_by_role("heading", name="Run", exact=True)).to_be_visible()
        stored = await courier.evaluate(STORED)
        assert any("/shipments/" in address for address in stored) == kept
        assert any(address.endswith("/courier") for address in stored)


async def test_an_ended_session_deletes_cached_pages(visit: Visit, elsewhere: Elsewhere) -> None:
    courier = await visit("courier", viewport=PHONE)
    _, address = await open_shipment(courier, elsewhere)
    await courier.context.clear_cookies()
    await courier.goto(address)
    await expect(courier.get_by_role("button", name="Courier")).to_be_visible()
    await courier.wait_for_function(GONE)


async def test_a_queued_action_outlives_its_session(visit: Visit, elsewhere: Elsewhere) -> None:
    courier = await visit("courier", viewport=PHONE)
    order, _ = await open_shipment(courier, elsewhere)
    await courier.context.set_offline(True)
    await courier.get_by_role("button", name="Pick up").click()
    await expect(courier.get_by_role("heading", name="Waiting to be sent")).to_be_visible()
    assert "form_token" not in await courier.evaluate("localStorage.getItem('courier-actions')")
    await courier.context.clear_cookies()
    await courier.context.set_offline(False)
    await courier.locator(".outbox").get_by_role("link", name="Sign in again").click()
    await courier.get_by_role("button", name="Courier").click()
    await elsewhere.until(order, "PROCESSING", shipments="DISPATCHED")
    assert await elsewhere.events(order, "ShipmentDispatched") == 1


async def test_a_page_of_an_earlier_session_sends_its_action_in_the_present_one(
    visit: Visit, elsewhere: Elsewhere
) -> None:
    courier = await visit("courier", viewport=PHONE)
    order, _ = await open_shipment(courier, elsewhere)
    anew = {"name": "oms_session", "value": await elsewhere.session("courier"), "url": elsewhere.url}
    await courier.context.add_cookies([anew])  # type: ignore[list-item]
    await courier.get_by_role("button", name="Pick up").click()
    await elsewhere.until(order, "PROCESSING", shipments="DISPATCHED")
    await expect(courier.locator(".now")).to_contain_text("Dispatched")
