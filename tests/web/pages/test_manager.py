"""The manager's pages: fraud control, stock and prices, operations and the load generator, without scripts."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.figures.samples import sample
from oms.domain.fraud import commands as fraud
from oms.domain.vocabulary.actor import Role
from oms.web.pages.manager.watch import SLOTS, charts, slotted
from oms.web.pages.rendering.form_parsing import InvalidInput, basis_points, minor_units, percent, units, whole_number
from tests.shop import MANAGER, ShopUnderTest
from tests.web.conftest import Server
from tests.web.pages.conftest import hidden, persona, signed_in, visiting

CHANGES = ("/manager/spending-limit?amount=300", "/manager/maintenance?to=on", "/manager/reset", "/manager/clearing")
ONLY_STAFF = ("/manager", *CHANGES, "/manager/stock", "/manager/stock/product?sku=pen", "/manager/operations")
FORMS = {
    "/manager/spending-limit": {"amount": "300"},
    "/manager/maintenance": {"to": "on"},
    "/manager/reset": {},
    "/manager/clearing": {"reason": "a new month"},
    "/manager/stock/counts": {"sku": "pen", "warehouse": "east", "on_hand": "9", "expected": "5"},
    "/manager/stock/product": {"sku": "pen", "name": "Pen", "price": "2", "currency": "USD", "tax": ""},
    "/manager/stock/products": {"sku": "cap", "name": "Cap", "price": "2", "currency": "USD", "tax": ""},
    "/manager/stock/warehouses": {"code": "north", "name": "North"},
}


@pytest.fixture
async def browser(pages: Server, shop: ShopUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    async with persona(pages, "manager") as browser:
        yield browser


def told(html: str) -> list[str]:
    """The refusals that a page shows."""
    return [unescape(text) for text in re.findall(r'class="[^"]*refusal"[^>]*>(?:<svg.*?</svg><span>)?([^<]*)<', html)]


def text_of(html: str) -> str:
    """What stands on a page, without its tags."""
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)))


async def settings_of(shop: ShopUnderTest) -> tuple[Any, ...]:
    return (await shop.rows("SELECT coalesce((limits->>'USD')::bigint, 0), maintenance, period FROM fraud_settings"))[0]


# who may look and act


@pytest.mark.parametrize("address", ONLY_STAFF)
async def test_visitors_are_redirected_to_the_start_page(pages: Server, shop: ShopUnderTest, address: str) -> None:
    async with visiting(pages) as browser:
        answer = await browser.get(address)
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/")


@pytest.mark.parametrize("name", ["customer", "courier"])
async def test_customers_and_couriers_may_not_open_the_managers_pages(
    pages: Server, shop: ShopUnderTest, name: str
) -> None:
    async with persona(pages, name) as browser:
        for address in ONLY_STAFF:
            assert (await browser.get(address)).status_code == 403, address


async def test_support_may_read_the_managers_pages_and_change_nothing(pages: Server, shop: ShopUnderTest) -> None:
    async with persona(pages, "support") as browser:
        for address in ONLY_STAFF:
            answer = await browser.get(address)
            assert answer.status_code == 200, address
            page = answer.text[answer.text.index('id="page"') :]
            assert 'method="post"' not in page, address
        assert (await browser.get("/manager/stock/products/new")).status_code == 403


@pytest.mark.parametrize("name", ["customer", "courier", "support"])
async def test_nobody_else_changes_anything(pages: Server, shop: ShopUnderTest, name: str) -> None:
    before = await settings_of(shop), await shop.levels(), await shop.rows("SELECT * FROM products ORDER BY sku")
    async with persona(pages, name) as browser:
        for address, fields in FORMS.items():
            assert (await browser.post(address, data=fields)).status_code in (403, 422), address
    after = await settings_of(shop), await shop.levels(), await shop.rows("SELECT * FROM products ORDER BY sku")
    assert after == before


async def test_forms_of_other_sites_are_refused(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    for address, fields in FORMS.items():
        answer = await browser.post(address, data=fields, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403
    assert await settings_of(shop) == (0, False, 1)


# fraud control


async def test_the_limit_is_entered_in_currency_units_and_confirmed(
    browser: httpx.AsyncClient, shop: ShopUnderTest
) -> None:
    first = await browser.get("/manager/spending-limit")
    assert hidden(first.text, "currency") == "USD"
    asked = await browser.get("/manager/spending-limit", params={"amount": "1,250.50"})
    assert "In USD from none to $1,250.50" in text_of(asked.text)
    assert (await settings_of(shop))[0] == 0
    fields = {name: hidden(asked.text, name) for name in ("currency", "amount", "key")}
    done = await browser.post("/manager/spending-limit", data=fields)
    assert (done.status_code, done.headers["location"]) == (303, "/manager")
    assert (await settings_of(shop))[0] == 125_050
    assert "$1,250.50" in (await browser.get("/manager")).text


def gaps(html: str) -> list[str]:
    """The warnings that stand beside currencies."""
    return re.findall(r'<dd><span class="status" data-tone="warn"><svg.*?</svg>([^<]*)', html)


async def test_each_currency_has_a_limit_and_a_gap_is_told(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    await shop.stock_up({"saque": {"east": 1}}, currency="BRL")
    assert "BRL No limit" in text_of((await browser.get("/manager")).text)
    asked = await browser.get("/manager/spending-limit", params={"currency": "usd", "amount": "1,000"})
    fields = {name: hidden(asked.text, name) for name in ("currency", "amount", "key")}
    assert (await browser.post("/manager/spending-limit", data=fields)).status_code == 303
    page = (await browser.get("/manager")).text
    assert re.search(r"USD \$1,000\.00 Change .* BRL No limit Change", text_of(page))
    assert gaps(page) == ["No limit"]
    await browser.post("/manager/spending-limit", data={"currency": "BRL", "amount": "5000"})
    page = (await browser.get("/manager")).text
    assert re.search(r"USD \$1,000\.00 Change .* BRL R\$5,000\.00 Change", text_of(page))
    assert gaps(page) == []
    assert await shop.rows("SELECT limits FROM fraud_settings") == [({"USD": 100_000, "BRL": 500_000},)]
    assert hidden((await browser.get("/manager/spending-limit?currency=BRL")).text, "amount") == "5000.00"


async def test_a_currency_that_is_none_is_refused_at_its_field(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    fields = {"currency": "$", "amount": "5"}
    for answer in (
        await browser.get("/manager/spending-limit", params=fields),
        await browser.post("/manager/spending-limit", data=fields),
    ):
        assert answer.status_code == 422
        assert 'id="currency-refusal"' in answer.text
        assert (hidden(answer.text, "currency"), hidden(answer.text, "amount")) == ("$", "5")
    assert await shop.rows("SELECT limits FROM fraud_settings") == [({},)]


@pytest.mark.parametrize("amount", ["", "much", "-5", "1.005", "1,25", "99999999999999999", "NaN"])
async def test_a_malformed_amount_is_refused_at_its_field_and_kept(
    browser: httpx.AsyncClient, shop: ShopUnderTest, amount: str
) -> None:
    for answer in (
        await browser.get("/manager/spending-limit", params={"amount": amount}),
        await browser.post("/manager/spending-limit", data={"amount": amount}),
    ):
        assert answer.status_code == 422
        assert len(told(answer.text)) == 1
        assert 'id="amount-refusal"' in answer.text
        assert hidden(answer.text, "amount") == amount
    assert (await settings_of(shop))[0] == 0


async def test_what_the_api_refuses_stands_beside_the_field_too(browser: httpx.AsyncClient) -> None:
    answer = await browser.post("/manager/spending-limit", data={"amount": "90071992547409.92"})
    assert answer.status_code == 422
    assert "limit" in told(answer.text)[0].lower()
    assert hidden(answer.text, "amount") == "90071992547409.92"


async def test_what_customers_may_order_is_shown(browser: httpx.AsyncClient) -> None:
    page = text_of((await browser.get("/manager")).text)
    assert "Lines of an order 200 Units of a line 10,000 Orders in a minute none" in page
    assert "Units not paid 10,000 Value not paid $100,000.00" in page


async def test_maintenance_is_turned_on_and_off(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    for to, state in (("on", True), ("off", False)):
        asked = await browser.get("/manager/maintenance", params={"to": to})
        assert "What it does" in asked.text
        answer = await browser.post(
            "/manager/maintenance", data={"to": hidden(asked.text, "to"), "key": hidden(asked.text, "key")}
        )
        assert answer.status_code == 303
        assert (await settings_of(shop))[1] is state


async def test_a_change_without_effect_is_not_offered(browser: httpx.AsyncClient) -> None:
    assert "It is off already" in (await browser.get("/manager/maintenance?to=off")).text
    assert "Nothing to reset" in (await browser.get("/manager/reset")).text


async def test_a_reset_takes_both_away(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    await browser.post("/manager/spending-limit", data={"amount": "5"})
    await browser.post("/manager/maintenance", data={"to": "on"})
    asked = await browser.get("/manager/reset")
    assert (await browser.post("/manager/reset", data={"key": hidden(asked.text, "key")})).status_code == 303
    assert await settings_of(shop) == (0, False, 1)


async def test_spending_is_cleared_with_a_reason_only(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    refused = await browser.post("/manager/clearing", data={"reason": "  "})
    assert refused.status_code == 422
    assert told(refused.text) == ["reason must not be empty."]
    long = "x" * 501
    assert hidden((await browser.post("/manager/clearing", data={"reason": long})).text, "reason") == long
    assert (await settings_of(shop))[2] == 1
    assert (await browser.post("/manager/clearing", data={"reason": "a new month"})).status_code == 303
    assert (await settings_of(shop))[2] == 2


async def test_a_button_pressed_twice_clears_once(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    key = hidden((await browser.get("/manager/clearing")).text, "key")
    for _ in range(2):
        answer = await browser.post("/manager/clearing", data={"reason": "a new month", "key": key})
        assert answer.status_code == 303
    assert (await settings_of(shop))[2] == 2


async def test_the_log_shows_actor_time_before_after_and_reason(browser: httpx.AsyncClient) -> None:
    assert "No changes yet" in (await browser.get("/manager")).text
    await browser.post("/manager/spending-limit", data={"amount": "300"})
    await browser.post("/manager/maintenance", data={"to": "on"})
    await browser.post("/manager/clearing", data={"reason": "a <new> month"})
    html = (await browser.get("/manager")).text
    text = text_of(html)
    at = r"\d\d \w{3} \d{4}, \d\d:\d\d UTC"
    assert re.search(rf"Spending limit in USD {at} none \$300\.00 demo manager \(manager\) –", text)
    assert re.search(rf"Maintenance mode {at} off on demo manager \(manager\) –", text)
    assert re.search(rf"Spending cleared {at} period 1 period 2 demo manager \(manager\) a <new> month", text)
    assert html.count("<time datetime=") == 3
    assert html.index("Spending cleared") < html.index("$300.00</strong>")


async def test_the_trail_is_paged(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    async with shop.db.transaction() as tx:
        for limit in range(1, 26):
            await fraud.set_spending_limit(tx, MANAGER, limit * 100, "USD")
    first = (await browser.get("/manager")).text
    assert first.count('<th scope="row"') == 20
    [older] = re.findall(r'href="(/manager\?after=[^"#]*)', first)
    second = (await browser.get(unescape(older))).text
    assert second.count('<th scope="row"') == 5
    assert "Newest" in second
    assert "Older" not in second
    assert (await browser.get("/manager?after=nothing")).status_code == 400


# stock and prices


async def test_products_are_browsed_and_found(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    html = (await browser.get("/manager/stock")).text
    assert html.index(">ink<") < html.index(">pen<")
    found = (await browser.get("/manager/stock?search=PE")).text
    assert "/manager/stock/product?sku=pen" in found
    assert "sku=ink" not in found
    nothing = (await browser.get("/manager/stock", params={"search": "<b>"})).text
    assert "&lt;b&gt;" in nothing
    assert 'class="empty"' in nothing


async def test_products_are_paged(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    await shop.stock_up({f"sku-{number:02}": {"east": 1} for number in range(30)})
    first = (await browser.get("/manager/stock?search=sku")).text
    [more] = re.findall(r'href="(/manager/stock\?search=sku&amp;after=[^"]*)', first)
    second = (await browser.get(unescape(more))).text
    assert first.count('<th scope="row"') == 25
    assert second.count('<th scope="row"') == 5


async def test_a_product_shows_each_warehouse(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    await shop.place({"pen": 2})
    await shop.run()
    text = text_of((await browser.get("/manager/stock/product?sku=pen")).text)
    assert "east east 5 2 3" in text
    assert "west west 0 0 0" in text
    assert (await browser.get("/manager/stock/product?sku=none")).status_code == 404
    assert (await browser.get("/manager/stock/product")).status_code == 400


async def test_a_count_is_set(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    count = {"sku": "pen", "warehouse": "east", "on_hand": "9", "expected": "5"}
    answer = await browser.post("/manager/stock/counts", data=count)
    assert answer.status_code == 303
    page = await browser.get(answer.headers["location"])
    assert "9 on hand in east." in page.text
    assert (await shop.levels())["pen", "east"] == (9, 0)


async def test_a_product_is_put_on_a_new_shelf(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    count = {"sku": "pen", "warehouse": "west", "on_hand": "4", "expected": "0"}
    assert (await browser.post("/manager/stock/counts", data=count)).status_code == 303
    assert (await shop.levels())["pen", "west"] == (4, 0)


async def test_two_managers_do_not_overwrite_each_other(pages: Server, shop: ShopUnderTest) -> None:
    async with persona(pages, "manager") as one, signed_in(pages, shop, Viewer("other", Role.MANAGER)) as other:
        seen = [(await browser.get("/manager/stock/product?sku=pen")).text for browser in (one, other)]
        expected = [hidden(html, "expected") for html in seen]
        count = {"sku": "pen", "warehouse": "east", "on_hand": "9", "expected": expected[0]}
        assert (await one.post("/manager/stock/counts", data=count)).status_code == 303
        late = count | {"on_hand": "7", "expected": expected[1], "key": hidden(seen[1], "key")}
        answer = await other.post("/manager/stock/counts", data=late)
        assert answer.status_code == 422
        assert told(answer.text) == ["9 are on hand, not 5: read the stock again, then repeat."]
        assert hidden(answer.text, "on_hand") == "7"
        assert (await shop.levels())["pen", "east"] == (9, 0)
        again = late | {"expected": hidden(answer.text, "expected"), "key": hidden(answer.text, "key")}
        assert (await other.post("/manager/stock/counts", data=again)).status_code == 303
    assert (await shop.levels())["pen", "east"] == (7, 0)


async def test_a_count_below_the_allocated_units_is_refused(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    await shop.place({"pen": 2})
    await shop.run()
    count = {"sku": "pen", "warehouse": "east", "on_hand": "1", "expected": "5"}
    answer = await browser.post("/manager/stock/counts", data=count)
    assert answer.status_code == 422
    assert "2 units are allocated" in told(answer.text)[0]


@pytest.mark.parametrize("on_hand", ["", "many", "-1", "1.5", "9999999999"])
async def test_a_malformed_count_is_refused_and_kept(browser: httpx.AsyncClient, on_hand: str) -> None:
    count = {"sku": "pen", "warehouse": "east", "on_hand": on_hand, "expected": "5"}
    answer = await browser.post("/manager/stock/counts", data=count)
    assert answer.status_code == 422
    assert len(told(answer.text)) == 1
    assert hidden(answer.text, "on_hand") == on_hand


async def test_a_price_is_changed(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    html = (await browser.get("/manager/stock/product?sku=pen")).text
    assert hidden(html, "price") == "10.00"
    fields = {"sku": "pen", "name": "Pen, blue", "price": "12.5", "currency": "USD", "tax": "5.5"}
    answer = await browser.post("/manager/stock/product", data=fields)
    assert answer.status_code == 303
    assert "Saved." in (await browser.get(answer.headers["location"])).text
    query = "SELECT name, unit_price_minor, tax_bps FROM products WHERE sku = 'pen'"
    assert await shop.rows(query) == [("Pen, blue", 1250, 550)]


async def test_a_product_s_errors_are_shown_and_the_input_is_kept(
    browser: httpx.AsyncClient, shop: ShopUnderTest
) -> None:
    fields = {"sku": "pen", "name": "Pen", "price": "12.505", "currency": "USD", "tax": ""}
    answer = await browser.post("/manager/stock/product", data=fields)
    assert answer.status_code == 422
    assert 'id="price-refusal"' in answer.text
    assert hidden(answer.text, "price") == "12.505"
    taxed = await browser.post("/manager/stock/product", data=fields | {"price": "1", "tax": "101"})
    assert 'id="tax-refusal"' in taxed.text
    unnamed = await browser.post("/manager/stock/product", data=fields | {"price": "1", "name": ""})
    assert told(unnamed.text) == ["name must not be empty."]
    assert await shop.rows("SELECT unit_price_minor FROM products WHERE sku = 'pen'") == [(1000,)]


async def test_a_product_is_added_once(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    page = (await browser.get("/manager/stock/products/new")).text
    assert hidden(page, "currency") == "USD"
    fields = {"sku": "cap/1 ü", "name": "Cap", "price": "1,000", "currency": "JPY", "tax": "20"}
    answer = await browser.post("/manager/stock/products", data=fields | {"key": hidden(page, "key")})
    assert answer.status_code == 303
    assert (await browser.get(answer.headers["location"])).status_code == 200
    assert await shop.rows("SELECT unit_price_minor, currency FROM products WHERE name = 'Cap'") == [(1000, "JPY")]
    again = await browser.post("/manager/stock/products", data=fields | {"name": "Another"})
    assert again.status_code == 422
    assert told(again.text) == ["A product with the SKU cap/1 ü exists already."]
    assert hidden(again.text, "name") == "Another"


async def test_a_warehouse_is_added_and_renamed(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    for name in ("North", "Far north"):
        answer = await browser.post("/manager/stock/warehouses", data={"code": "north", "name": name})
        assert answer.status_code == 303
        assert name in (await browser.get(answer.headers["location"])).text
    refused = await browser.post("/manager/stock/warehouses", data={"code": "", "name": "South"})
    assert refused.status_code == 422
    assert told(refused.text) == ["code must not be empty."]
    assert hidden(refused.text, "name") == "South"


# operations


async def test_operations_are_shown_as_numbers_and_charts(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    await shop.place({"pen": 1})
    html = (await browser.get("/manager/operations")).text
    assert "No worker serves allocation, deadlines, billing, booking." in text_of(html)
    assert 'aria-label="Backlog: unknown, no worker watched."' in html
    await sample(shop.db)
    html = (await browser.get("/manager/operations")).text
    assert 'aria-label="Backlog in the last hours: lately 1, at least 1, at most 1. For' in html
    assert html.count('class="chart"') == 3
    html = (await browser.get("/manager/operations?queue=booking")).text
    assert 'aria-label="Backlog in the last hours: lately 0, at least 0, at most 0. For' in html


# what pages make of numbers


def _sample(at: datetime, backlog: int) -> dict[str, Any]:
    queues = [{"name": "billing", "workers": 1, "backlog": backlog}, {"name": "booking", "workers": 2, "backlog": 3}]
    return {"at": at.isoformat(), "queues": queues, "completed": backlog}


START = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_a_slot_has_the_highest_of_its_minutes_and_is_unknown_without_any() -> None:
    samples = [_sample(START + timedelta(minutes=minute), backlog) for minute, backlog in ((0, 4), (2, 8), (11, 0))]
    now = START + timedelta(minutes=18)
    assert slotted(samples, START, now, lambda each: each["completed"], max) == [8, None, 0], "the present one is empty"


def test_charts_begin_at_zero_and_shade_what_nobody_watched() -> None:
    samples = [_sample(START, 4), _sample(START + timedelta(minutes=10), 0)]
    workers, backlog, _ = charts(samples, START, START + timedelta(minutes=15), None)
    assert [bar.height for bar in workers.bars] == [33.33, 33.33], "the fewest of any queue, of an axis to 3"
    assert (backlog.ys[-1], backlog.ys[0]) == ("0", "15")
    assert [bar.height for bar in backlog.bars] == [46.67, 20]
    [gap] = backlog.gaps
    assert (gap.x, gap.width) == (round(100 / SLOTS, 2), round(100 / SLOTS, 2))
    [row] = [row for row in backlog.table.rows if row[1] == "unknown"]
    assert "12:05" in str(row[0])
    _, of_one, _ = charts(samples, START, START + timedelta(minutes=15), "billing")
    assert of_one.said == "Backlog in the last hours: lately 0, at least 0, at most 4. For 5 minutes no worker watched."


def test_amounts_are_parsed_as_they_are_formatted() -> None:
    assert [minor_units(text, "USD") for text in ("250", "250.5", " 1,250.50 ", "0")] == [25_000, 25_050, 125_050, 0]
    assert minor_units("1,250", "JPY") == 1250
    assert (units(25_050, "USD"), units(1250, "JPY")) == ("250.50", "1250")
    assert (basis_points("5.5"), basis_points(" "), percent(550), percent(2000), percent(None)) == (
        550,
        None,
        "5.5",
        "20",
        "",
    )
    assert whole_number(" 1,000 ") == 1000


@pytest.mark.parametrize("text", ["", "1e3", "٣", "1.001", "12,34", "+1", "1 000", "9" * 17])
def test_a_malformed_amount_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        minor_units(text, "USD")
