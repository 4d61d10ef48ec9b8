"""The manager's page on one customer: what is held is downloaded, and erased after a question."""

from collections.abc import AsyncIterator
from html import unescape
from uuid import UUID

import httpx
import pytest

from oms.domain.vocabulary.ids import customer_id
from tests.shop import ShopUnderTest
from tests.web.conftest import Server
from tests.web.pages.conftest import hidden, persona

HOME = "/manager/customers"
E_MAIL = "ana@canary.example"


@pytest.fixture
async def browser(pages: Server, shop: ShopUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    async with persona(pages, "manager") as browser:
        yield browser


async def placed(shop: ShopUnderTest) -> UUID:
    return await shop.place({"pen": 1}, customer="ana", email=E_MAIL, reference="ana-1")


async def ended(shop: ShopUnderTest) -> str:
    """A customer with one order that is cancelled, by id."""
    order = await placed(shop)
    await shop.cancel(order)
    return customer_id((await shop.order(order)).customer_id)


async def recorded(shop: ShopUnderTest) -> list[tuple[object, ...]]:
    return await shop.rows("SELECT action, actor, reason FROM audit_events WHERE action LIKE 'Customer%' ORDER BY id")


async def test_a_customer_is_found_by_their_whole_reference(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    known = await ended(shop)
    assert f"{HOME}/{known}/erasure" in (await browser.get(HOME, params={"reference": "ana"})).text
    for nobody in ("an", "Ana", "bob"):
        assert "There is no customer with this reference" in (await browser.get(f"{HOME}?reference={nobody}")).text
    impossible = await browser.get(HOME, params={"reference": "a" * 300})
    assert impossible.status_code == 422
    assert 'id="reference-refusal"' in impossible.text


async def test_what_is_held_is_downloaded_and_that_is_recorded(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    known = await ended(shop)
    file = await browser.post(f"{HOME}/{known}/export")
    assert file.headers["content-type"] == "application/json"
    assert file.headers["content-disposition"] == f'attachment; filename="{known}.json"'
    assert file.headers["cache-control"] == "no-store"
    assert [order["email"] for order in file.json()["orders"]] == [E_MAIL]
    assert await recorded(shop) == [("CustomerExported", "demo manager", None)]
    assert (await browser.get(f"{HOME}/{known}/export")).status_code == 405


async def test_an_erasure_is_confirmed_and_shows_the_pseudonym(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    known = await ended(shop)
    question = await browser.get(f"{HOME}/{known}/erasure")
    form = {name: hidden(question.text, name) for name in ("key", "reference")} | {"reason": "Asked for on 1 May"}
    answers = [await browser.post(f"{HOME}/{known}/erasure", data=form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    page = await browser.get(answers[0].headers["location"])
    assert "Erased. The customer now has the pseudonym" in page.text
    [(pseudonym,)] = await shop.rows("SELECT reference FROM customers")
    assert str(pseudonym).startswith("erased-")
    assert f">{pseudonym}<" in page.text
    assert await shop.rows("SELECT email FROM orders") == [(None,)]
    assert set(await recorded(shop)) == {("CustomerErased", "demo manager", "Asked for on 1 May")}


async def test_without_a_reason_nobody_is_erased(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    known = await ended(shop)
    refused = await browser.post(f"{HOME}/{known}/erasure", data={"reference": "ana", "reason": " "})
    assert refused.status_code == 422
    assert 'id="reason-refusal"' in refused.text
    assert await shop.rows("SELECT reference FROM customers") == [("ana",)]


async def test_while_an_order_is_under_way_the_page_says_which(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    known = customer_id((await shop.order(await placed(shop))).customer_id)
    refused = await browser.post(f"{HOME}/{known}/erasure", data={"reference": "ana", "reason": "Asked for <b>"})
    assert refused.status_code == 422
    assert "Orders are still under way: ana-1." in refused.text
    assert 'value="Asked for <b>"' in unescape(refused.text)
    assert await shop.rows("SELECT email FROM orders") == [(E_MAIL,)]
    assert await recorded(shop) == []


async def test_of_nobody_nothing_is_told(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    for nobody in (customer_id(UUID(int=0)), "none"):
        assert (await browser.get(f"{HOME}/{nobody}/erasure")).status_code == 404
        assert (await browser.post(f"{HOME}/{nobody}/export")).status_code == 404


async def test_support_has_no_such_page(pages: Server, shop: ShopUnderTest) -> None:
    known = await ended(shop)
    async with persona(pages, "support") as support:
        for address in (HOME, f"{HOME}/{known}/erasure"):
            assert (await support.get(address)).status_code == 403
        assert (await support.post(f"{HOME}/{known}/export")).status_code == 403
        assert HOME not in (await support.get("/support")).text
