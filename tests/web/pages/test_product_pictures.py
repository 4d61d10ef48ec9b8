"""A manager gives a product a picture, and whoever may see the catalogue sees it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.pictures import lossy_webp, png
from tests.shop import ShopUnderTest
from tests.web.conftest import Server
from tests.web.pages.conftest import hidden, persona, visiting

PAGE = "/manager/stock/product?sku=pen"


@pytest.fixture
async def browser(pages: Server, shop: ShopUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    async with persona(pages, "manager") as browser:
        yield browser


async def upload(browser: httpx.AsyncClient, content: bytes, **values: str) -> httpx.Response:
    return await browser.post(
        "/manager/stock/picture", data={"sku": "pen"} | values, files={"picture": ("pen.svg", content, "text/html")}
    )


def address_in(page: str) -> str:
    [address] = {part.split('"')[0] for part in page.split('src="')[1:] if part.startswith("/picture/")}
    return address


async def test_an_uploaded_picture_stands_in_the_catalogue_and_is_removed_again(
    browser: httpx.AsyncClient, pages: Server, shop: ShopUnderTest
) -> None:
    assert "/pictures/pen.svg" in (await browser.get(PAGE)).text
    assert (await upload(browser, png(20, 20))).status_code == 303
    address = address_in((await browser.get(PAGE)).text)
    async with persona(pages, "customer") as customer:
        assert address_in((await customer.get("/orders/new")).text) == address
        served = await customer.get(address)
        assert (served.status_code, served.content) == (200, png(20, 20))
        assert served.headers["content-type"] == "image/png"
        assert served.headers["x-content-type-options"] == "nosniff"
        assert served.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert "default-src 'none'" in served.headers["content-security-policy"]
        assert (await customer.get(address, headers={"If-None-Match": served.headers["etag"]})).status_code == 304
    assert (await browser.post("/manager/stock/picture", data={"sku": "pen", "remove": "1"})).status_code == 303
    assert "/pictures/pen.svg" in (await browser.get(PAGE)).text
    assert (await browser.get(address)).status_code == 404
    recorded = await shop.rows(
        "SELECT subject, before ->> 'picture' IS NULL, after ->> 'picture' IS NULL FROM audit_events"
        " WHERE action = 'ProductPictureChanged' ORDER BY id"
    )
    assert recorded == [("pen", True, False), ("pen", False, True)]


async def test_a_new_picture_has_a_new_address(browser: httpx.AsyncClient) -> None:
    await upload(browser, png(20, 20))
    first = address_in((await browser.get(PAGE)).text)
    await upload(browser, lossy_webp(20, 20))
    second = address_in((await browser.get(PAGE)).text)
    assert first != second
    assert (await browser.get(second)).headers["content-type"] == "image/webp"


async def test_couriers_and_strangers_see_no_pictures(browser: httpx.AsyncClient, pages: Server) -> None:
    await upload(browser, png())
    address = address_in((await browser.get(PAGE)).text)
    async with persona(pages, "courier") as courier, visiting(pages) as stranger:
        assert (await courier.get(address)).status_code == 403
        assert (await stranger.get(address)).status_code == 303


@pytest.mark.parametrize("content", [b"", b"<svg/>", png() + b"<script>", png()[:-1], bytes(300_001)])
async def test_what_is_no_small_picture_is_refused_at_its_field(browser: httpx.AsyncClient, content: bytes) -> None:
    refused = await upload(browser, content)
    assert refused.status_code == 422
    assert 'id="picture-refusal"' in refused.text


async def test_the_same_press_twice_is_one_change(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    key = hidden((await browser.get(PAGE)).text, "key")
    assert [(await upload(browser, png(), key=key)).status_code for _ in range(2)] == [303, 303]
    assert await shop.rows("SELECT count(*) FROM audit_events WHERE action = 'ProductPictureChanged'") == [(1,)]


async def test_the_product_s_page_adds_up_and_tells_what_changed(
    browser: httpx.AsyncClient, shop: ShopUnderTest
) -> None:
    await shop.stock_up({"pen": {"west": 7}})
    await shop.place({"pen": 2})
    await shop.run("allocation")
    await upload(browser, png())
    page = (await browser.get(PAGE)).text
    assert "Available to sell: 10" in page
    sums = page.split('<dl class="sum-up">')[1].split("</dl>")[0]
    assert [part.split("<")[0] for part in sums.split("</dt><dd>")[1:]] == ["12", "2", "10"]
    assert "added a picture of the product pen" in page
    assert 'href="/support?q=pen"' in page


async def test_an_unknown_product_gets_no_picture(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    assert (await upload(browser, png(), sku="nothing")).status_code == 404
    assert await shop.rows("SELECT count(*) FROM product_pictures") == [(0,)]
