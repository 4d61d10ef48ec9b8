"""Pages and refusals in the reader's language and time zone."""

import re
from html import unescape

import httpx
import pytest

from oms.domain.vocabulary.ids import order_id
from tests.shop import ShopUnderTest
from tests.web.conftest import Server
from tests.web.pages.conftest import persona, visiting

GERMAN = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.8"}


async def test_the_start_page_follows_the_browser(pages: Server) -> None:
    async with visiting(pages) as browser:
        german, english = await browser.get("/", headers=GERMAN), await browser.get("/")
    assert '<html lang="de"' in german.text
    assert "Jede Bestellung, bis zur Tür." in german.text
    assert '<html lang="en"' in english.text
    assert "Every order, to the door." in english.text
    assert "Accept-Language" in german.headers["Vary"]


async def test_a_refusal_of_the_api_follows_the_client(pages: Server, shop: ShopUnderTest) -> None:
    query = {"query": '{ orders(first: 1, after: "!") { nodes { id } } }'}
    async with persona(pages, "manager") as browser:
        answer = (await httpx.AsyncClient.post(browser, "/graphql", json=query, headers=GERMAN)).json()
    (error,) = answer["errors"]
    assert error["extensions"]["reason"] == "BAD_CURSOR"
    assert error["message"] == "Dieser Cursor gehört nicht zu dieser Liste; lassen Sie ihn weg, um vorn zu beginnen."


async def test_a_person_s_choice_goes_before_the_browser_s(pages: Server, shop: ShopUnderTest) -> None:
    async with persona(pages, "support") as browser:
        saved = await browser.post("/account/preferences", data={"language": "GERMAN", "timeZone": "Asia/Tokyo"})
        assert saved.headers["location"] == "/account?done=preferences"
        page = (await browser.get("/account", headers={"Accept-Language": "en"})).text
        assert '<html lang="de" data-zone="Asia/Tokyo"' in page
        assert " JST</time>" in page
        await browser.post("/account/preferences", data={"language": "", "timeZone": ""})
        page = (await browser.get("/account", headers={"Accept-Language": "en"})).text
        assert '<html lang="en">' in page
        assert " UTC</time>" in page


async def test_an_unknown_time_zone_is_refused_and_changes_nothing(pages: Server, shop: ShopUnderTest) -> None:
    async with persona(pages, "support") as browser:
        refused = await browser.post("/account/preferences", data={"timeZone": "Mars/Olympus"})
        assert refused.status_code == 422
        assert "There is no time zone 'Mars/Olympus'; give a name such as Europe/Berlin." in unescape(refused.text)
        assert "data-zone=" not in (await browser.get("/account")).text


@pytest.mark.parametrize(("language", "said"), [("de", "Seite nicht gefunden"), ("en", "Page not found")])
async def test_errors_too(pages: Server, shop: ShopUnderTest, language: str, said: str) -> None:
    async with persona(pages, "support") as browser:
        page = await browser.get("/support/orders/gone", headers={"Accept-Language": language})
    assert said in page.text


async def test_tabs_steps_and_next_steps_too(pages: Server, shop: ShopUnderTest) -> None:
    await shop.place({"pen": 1}, customer="demo-customer")
    await shop.run()
    async with persona(pages, "customer") as browser:
        tabs = (await browser.get("/orders", headers=GERMAN)).text
    async with persona(pages, "support") as browser:
        listed = (await browser.get("/support", headers=GERMAN)).text
    assert ">Alle<" in tabs
    assert "Kurier holt ab" in listed
    assert "Courier picks up" not in listed


async def test_amounts_within_sentences_too(pages: Server, shop: ShopUnderTest) -> None:
    order = await shop.place({"pen": 2})
    await shop.run()
    address = f"/support/orders/{order_id(order)}"
    async with persona(pages, "support") as browser:
        german = unescape((await browser.get(address, headers=GERMAN)).text)
        english = unescape((await browser.get(address)).text)
    [total] = re.findall(r"Shipment 1 was charged \$(\d+\.\d\d)\.", english)
    assert f"{total.replace('.', ',')}\xa0$ abgebucht" in german
