"""A session that has ended: where signing in leads, what is kept, and what an open page is told."""

import re
from urllib.parse import quote

import httpx
import pytest

from oms.domain.vocabulary.ids import order_id
from tests.shop import ShopUnderTest
from tests.web.conftest import DEMO_COOKIE, Server
from tests.web.pages.conftest import hidden, persona, visiting

ENDED = "Your session has ended. Sign in again"
DEEP = "/orders?status=PENDING"


async def end(browser: httpx.AsyncClient) -> None:
    """The session's cookie stays, as after eight idle hours, and means nothing any more."""
    [cookie] = [cookie for cookie in browser.cookies.jar if cookie.name == DEMO_COOKIE.name]
    cookie.value = "of-a-session-that-has-ended"


async def test_signing_in_leads_back_to_the_page(pages: Server, shop: ShopUnderTest) -> None:
    async with persona(pages, "customer") as browser:
        await end(browser)
        answer = await browser.get(DEEP)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/?next={quote(DEEP, safe='/')}")
        start = (await browser.get(answer.headers["location"])).text
        assert ENDED in start
        assert hidden(start, "next") == DEEP
        answer = await browser.post("/sign-in", data={"persona": "customer", "next": DEEP})
        assert (answer.status_code, answer.headers["location"]) == (303, DEEP)
        assert (await browser.get(f"/?next={quote(DEEP)}")).headers["location"] == DEEP


async def test_a_stranger_is_not_told_of_a_session(pages: Server, shop: ShopUnderTest) -> None:
    async with visiting(pages) as browser:
        start = (await browser.get(f"/?next={quote(DEEP)}")).text
        assert ENDED not in start
        assert "Sign in, and you get to the page that you opened." in start


async def test_a_wrong_password_keeps_the_destination(pages: Server, shop: ShopUnderTest) -> None:
    async with visiting(pages) as browser:
        answer = await browser.post("/sign-in", data={"login": "nobody", "password": "x", "next": DEEP})
        assert answer.status_code == 422
        assert hidden(answer.text, "next") == DEEP


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/orders",
        "//evil.example/orders",
        "///evil.example/orders",
        "/\\evil.example",
        "/%5Cevil.example",
        "\\\\evil.example/orders",
        "http:/orders",
        "javascript:alert(1)",
        "/orders\r\nSet-Cookie: a=b",
        "/orders\t",
        " /orders",
        "orders",
        "/sign-out",
        "/live?on=orders",
        "/static/app.js",
        "/no/such/page",
        "/ordersé",
        "/orders?" + "x" * 600,
        "",
    ],
)
async def test_signing_in_leads_nowhere_but_to_a_page_here(pages: Server, shop: ShopUnderTest, elsewhere: str) -> None:
    async with visiting(pages) as browser:
        start = await browser.get("/", params={"next": elsewhere})
        assert 'name="next"' not in start.text
        answer = await browser.post("/sign-in", data={"persona": "customer", "next": elsewhere})
        assert answer.headers["location"] == "/orders"
        assert (await browser.get("/", params={"next": elsewhere})).headers["location"] == "/orders"


async def test_who_may_not_open_the_page_gets_to_their_own(pages: Server, shop: ShopUnderTest) -> None:
    async with visiting(pages) as browser:
        answer = await browser.post("/sign-in", data={"persona": "courier", "next": DEEP})
        assert answer.headers["location"] == "/courier"


async def test_the_basket_outlasts_the_session(pages: Server, shop: ShopUnderTest) -> None:
    async with persona(pages, "customer") as browser:
        form = {"reference": "r", "quantity:pen": "2", "quantity:ink": "1"}
        await end(browser)
        answer = await browser.post("/orders", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, "/?next=/orders/new")
        answer = await browser.post("/sign-in", data={"persona": "customer", "next": "/orders/new"})
        page = (await browser.get(answer.headers["location"])).text
        assert (hidden(page, "quantity:pen"), hidden(page, "quantity:ink")) == ("2", "1")
    assert await shop.rows("SELECT count(*) FROM orders") == [(0,)]


async def test_another_site_can_not_fill_the_basket(pages: Server, shop: ShopUnderTest) -> None:
    async with visiting(pages) as browser:
        answer = await browser.post("/orders", data={"quantity:pen": "9"}, headers={"Sec-Fetch-Site": "cross-site"})
        assert "set-cookie" not in answer.headers


async def test_the_basket_ends_with_the_order_and_with_signing_out(pages: Server, shop: ShopUnderTest) -> None:
    async with persona(pages, "customer") as browser:
        await browser.post("/orders/new", data={"quantity:pen": "2"})
        assert hidden((await browser.get("/orders/new")).text, "quantity:pen") == "2"
        await browser.post("/sign-out")
        await browser.post("/sign-in", data={"persona": "customer"})
        assert hidden((await browser.get("/orders/new")).text, "quantity:pen") == ""


async def test_the_basket_is_bounded_and_survives_any_cookie(pages: Server, shop: ShopUnderTest) -> None:
    async with persona(pages, "customer") as browser:
        many = {f"quantity:sku-{n:04}": "1" for n in range(1_000)}
        answer = await browser.post("/orders/new", data=many)
        [cookie] = [each for each in answer.headers.get_list("set-cookie") if each.startswith("oms_basket=")]
        assert len(cookie) < 4_300
        for value in ("x", "W10=", "eyJhIjoxfQ==", "%00", "e" * 9_000):
            browser.cookies.delete("oms_basket")
            browser.cookies.set("oms_basket", value)
            assert (await browser.get("/orders/new")).status_code == 200


async def test_a_form_of_an_order_leads_back_to_the_order(pages: Server, shop: ShopUnderTest) -> None:
    order = order_id(await shop.place({"pen": 1}, customer="demo-customer"))
    async with persona(pages, "customer") as browser:
        await end(browser)
        answer = await browser.post(f"/orders/{order}/cancellation", data={"key": "k"})
        assert answer.headers["location"] == f"/?next=/orders/{order}"


async def test_an_open_page_learns_that_the_session_ended_and_is_not_replaced(
    pages: Server, shop: ShopUnderTest
) -> None:
    async with persona(pages, "customer") as browser:
        await end(browser)
        refresh = await browser.get("/orders", headers={"HX-Request": "true", "HX-Source": "main#page"})
        assert (refresh.status_code, refresh.headers["hx-reswap"], refresh.text) == (401, "none", "")
        assert (await browser.get("/live?on=orders")).status_code == 401
        pressed = await browser.post("/orders/new", data={"quantity:pen": "1"}, headers={"HX-Request": "true"})
        assert pressed.headers["hx-redirect"] == "/?next=/orders/new"
        assert "oms_basket" in pressed.headers["set-cookie"]


# Addresses that do not exist

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize("address", ["/no/such/page", "/orders/x/y/z", "/static/missing.js", "/favicon.ico"])
async def test_an_unknown_address_answers_people_with_a_page_and_programs_with_json(
    pages: Server, shop: ShopUnderTest, address: str
) -> None:
    async with persona(pages, "customer") as browser:
        page = await browser.get(address, headers=BROWSER)
        assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert "There is no page at this address." in page.text
        assert 'href="/orders"' in page.text  # in the layout of whoever is signed in
        assert re.search(r'<a class="button" href="/">', page.text)
        for accept in ("application/json", "*/*", "text/html;q=0.5, application/json"):
            answer = await browser.get(address, headers={"Accept": accept})
            assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (404, "NOT_FOUND")
    async with visiting(pages) as stranger:
        assert "There is no page at this address." in (await stranger.get(address, headers=BROWSER)).text


async def test_a_form_s_address_opened_as_a_page_is_explained(pages: Server, shop: ShopUnderTest) -> None:
    async with persona(pages, "customer") as browser:
        answer = await browser.get("/sign-out", headers=BROWSER)
        assert answer.status_code == 405
        assert "Begin at the start." in answer.text
