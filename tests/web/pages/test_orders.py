"""Customers place, follow, accept and cancel orders in a browser without scripts."""

import re
from typing import Any
from uuid import UUID

import httpx
import pytest

from oms.domain.vocabulary.ids import order_id
from tests.shop import ShopUnderTest, customer
from tests.web.conftest import Server
from tests.web.pages.conftest import hidden, persona, signed_in, visiting

OWN = "demo-customer"
ADDRESS = {
    "name": "Ana", "line1": "1 Road", "city": "Exampletown", "region": "NY", "postalCode": "12345", "country": "US",
}  # fmt: skip


@pytest.fixture
async def browser(pages: Server, shop: ShopUnderTest) -> Any:
    async with persona(pages, "customer") as browser:
        yield browser


def address_of(order: UUID) -> str:
    return f"/orders/{order_id(order)}"


async def _amended(shop: ShopUnderTest, **fields: Any) -> UUID:
    """Three of eight pens are unavailable."""
    order = await shop.place({"pen": 8}, customer=OWN, **fields)
    await shop.run()
    return order


async def _read(browser: httpx.AsyncClient, address: str) -> str:
    answer = await browser.get(address)
    assert answer.status_code == 200, answer.text
    return answer.text


async def _form(browser: httpx.AsyncClient) -> dict[str, str]:
    """The opened checkout with one pen chosen and an address."""
    page = await _read(browser, "/orders/new")
    return {"reference": hidden(page, "reference"), "quantity:pen": "1", "paymentMethod": "sandbox-ok"} | ADDRESS


# Who may see them


@pytest.mark.parametrize("address", ["/orders", "/orders/new", f"/orders/{order_id(UUID(int=1))}"])
async def test_staff_learn_that_these_pages_are_for_customers(
    pages: Server, shop: ShopUnderTest, staff: str, address: str
) -> None:
    async with persona(pages, staff) as browser:
        assert (await browser.get(address)).status_code == 403


async def test_staff_can_not_answer_for_a_customer(pages: Server, shop: ShopUnderTest, staff: str) -> None:
    order = await _amended(shop)
    async with persona(pages, staff) as browser:
        for act in ("acceptance", "cancellation"):
            assert (await browser.post(f"{address_of(order)}/{act}", data={"key": act})).status_code == 403
        assert (await browser.post("/orders", data={"reference": "theirs"})).status_code == 403
    assert (await shop.order(order)).status == "CUSTOMER_ACTION_REQUIRED"


async def test_visitors_are_redirected_to_the_start_page(pages: Server, shop: ShopUnderTest) -> None:
    async with visiting(pages) as browser:
        for address in ("/orders", "/orders/new", "/orders/anything"):
            answer = await browser.get(address)
            assert (answer.status_code, answer.headers["location"]) == (303, f"/?next={address}")


async def test_another_customers_order_does_not_exist(pages: Server, shop: ShopUnderTest) -> None:
    order = await _amended(shop)
    async with signed_in(pages, shop, customer("bob")) as browser:
        assert (await browser.get(address_of(order))).status_code == 404
        assert "order-1" not in await _read(browser, "/orders")
        for act in ("acceptance", "cancellation"):
            assert (await browser.post(f"{address_of(order)}/{act}", data={"key": act})).status_code == 404
    assert (await shop.order(order)).status == "CUSTOMER_ACTION_REQUIRED"


async def test_a_form_of_another_site_does_nothing(shop: ShopUnderTest, browser: httpx.AsyncClient) -> None:
    order = await shop.place({"pen": 1}, customer=OWN)
    foreign = {"Sec-Fetch-Site": "cross-site"}
    for address in ("/orders", f"{address_of(order)}/acceptance", f"{address_of(order)}/cancellation"):
        assert (await browser.post(address, data={"key": "k"}, headers=foreign)).status_code == 403
    assert (await shop.order(order)).status == "PENDING"


# The list


async def test_own_orders_are_listed_newest_first(shop: ShopUnderTest, browser: httpx.AsyncClient) -> None:
    for _ in range(3):
        await shop.place({"pen": 1}, customer=OWN)
    await shop.place({"pen": 1}, customer="bob")
    page = await _read(browser, "/orders")
    assert re.findall(r">(order-\d)</a>", page) == ["order-3", "order-2", "order-1"]


async def test_the_list_is_filtered_by_status(shop: ShopUnderTest, browser: httpx.AsyncClient) -> None:
    await _amended(shop)
    await shop.place({"ink": 1}, customer=OWN)
    waiting = await _read(browser, "/orders?status=CUSTOMER_ACTION_REQUIRED")
    assert re.findall(r">(order-\d)</a>", waiting) == ["order-1"]
    assert 'data-announce="Order order-1 is waiting for your answer."' in waiting
    assert "No orders found." in await _read(browser, "/orders?status=TIMED_OUT")
    assert (await browser.get("/orders?status=NONSENSE")).status_code == 400


async def test_the_list_has_pages(shop: ShopUnderTest, browser: httpx.AsyncClient) -> None:
    for _ in range(21):
        await shop.place({"pen": 1}, customer=OWN)
    first = await _read(browser, "/orders?status=PENDING")
    older = re.search(r'href="([^"]+)" rel="next"', first)
    assert older
    second = await _read(browser, older[1].replace("&amp;", "&"))
    assert re.findall(r">(order-\d+)</a>", second) == ["order-1"]
    assert re.search(r'href="/orders\?status=PENDING"><svg.*?</svg>Newest orders', second)
    assert "Older orders" not in second


async def test_a_customer_without_orders_gets_a_link_to_the_checkout(browser: httpx.AsyncClient) -> None:
    assert "You have not ordered anything yet." in await _read(browser, "/orders")


# One order


async def test_an_order_is_shown_with_shipments_invoice_payment_courier_and_timeline(
    shop: ShopUnderTest, browser: httpx.AsyncClient
) -> None:
    order = await shop.place({"pen": 2, "ink": 1}, customer=OWN)
    assert "We are checking that everything is in stock" in await _read(browser, address_of(order))
    await shop.run()
    page = await _read(browser, address_of(order))
    tracking = (await shop.order(order)).shipments[0].tracking_number or "none"
    for words in ("We are getting it ready", "2 parcels: packed.", "Parcel 1 of 2", "Parcel 2 of 2", "Packed", "$20.00",
                  "Paid", tracking, "Bike courier", "We have your order.", "Parcel 1 is paid.", "$30.00"):  # fmt: skip
        assert words in page, words
    await shop.dispatch(order)
    await shop.deliver(order)
    page = await _read(browser, address_of(order))
    assert 'data-announce="Partly delivered. 2 parcels: 1 delivered, 1 packed."' in page
    assert "cancellation" not in page
    assert "on=order%20" + order_id(order) in page


async def test_a_declined_payment_is_shown_with_its_reason(shop: ShopUnderTest, browser: httpx.AsyncClient) -> None:
    order = await shop.place({"pen": 1}, customer=OWN, payment_method="sandbox-declined")
    await shop.run()
    page = await _read(browser, address_of(order))
    assert "Did not go through" in page
    assert "Your card was declined." in page
    assert "order again with another card. You pay nothing for this parcel." in page
    again = re.search(r'href="(/orders/new\?again=[^"]+)">Order again', page)
    assert again
    assert hidden(await _read(browser, again[1]), "quantity:pen") == "1"


async def test_a_long_timeline_has_pages(shop: ShopUnderTest, browser: httpx.AsyncClient) -> None:
    skus = {f"part-{n}": {f"house-{n}": 1} for n in range(14)}
    await shop.stock_up(skus)
    order = await shop.place(dict.fromkeys(skus, 1), customer=OWN)
    await shop.run()
    page = await _read(browser, address_of(order))
    further = re.search(r'href="([^"]+)">What happened later', page)
    assert further
    rest = await _read(browser, further[1])
    assert "First page" in rest
    assert "We have your order." not in rest


@pytest.mark.parametrize("name", ["nonsense", "ord_", order_id(UUID(int=1)), "%00", "a%2Fb"])
async def test_an_unknown_order_is_not_found(browser: httpx.AsyncClient, name: str) -> None:
    assert (await browser.get(f"/orders/{name}")).status_code == 404


# When something is unavailable


async def test_an_amended_order_is_accepted(shop: ShopUnderTest, browser: httpx.AsyncClient) -> None:
    order = await _amended(shop)
    page = await _read(browser, address_of(order))
    assert "3 of 8 not in stock" in page
    assert "Accept and pay $50.00" in page
    assert "What you pay if you accept" in page
    assert re.search(r'role="timer" data-until="\d{4}-', page)
    form = {"key": hidden(page, "key")}
    for _ in range(2):  # the button pressed twice
        answer = await browser.post(f"{address_of(order)}/acceptance", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, address_of(order))
    assert (await shop.events(order)).count("AmendmentAccepted") == 1
    assert 'role="timer"' not in await _read(browser, address_of(order))


@pytest.mark.parametrize("key", ["a\x00b", "k" * 3_000, "ключ"], ids=["NUL", "long", "not ASCII"])
async def test_a_key_that_is_none_is_refused(shop: ShopUnderTest, browser: httpx.AsyncClient, key: str) -> None:
    order = await _amended(shop)
    answer = await browser.post(f"{address_of(order)}/acceptance", data={"key": key})
    assert answer.status_code == 400
    assert (await shop.events(order)).count("AmendmentAccepted") == 0


async def test_a_late_acceptance_is_refused_and_shows_the_order(
    shop: ShopUnderTest, browser: httpx.AsyncClient
) -> None:
    order = await _amended(shop)
    form = {"key": hidden(await _read(browser, address_of(order)), "key")}
    await shop.cancel(order)
    answer = await browser.post(f"{address_of(order)}/acceptance", data=form)
    assert answer.status_code == 422
    assert 'class="notice refusal"' in answer.text
    assert "Cancelled" in answer.text
    assert f'data-hx-get="{address_of(order)}"' in answer.text


async def test_without_available_items_there_is_nothing_to_accept(
    shop: ShopUnderTest, browser: httpx.AsyncClient
) -> None:
    await shop.stock_up({"gone": {"east": 0}})
    order = await shop.place({"gone": 1}, customer=OWN)
    await shop.run()
    page = await _read(browser, address_of(order))
    assert "Nothing you ordered is in stock" in page
    assert "acceptance" not in page
    assert "cancellation" in page


# Cancelling


async def test_an_order_is_cancelled_with_a_reason(shop: ShopUnderTest, browser: httpx.AsyncClient) -> None:
    order = await shop.place({"pen": 1}, customer=OWN)
    await shop.run()
    page = await _read(browser, address_of(order))
    assert re.search(r'<details class="asks confirm[^>]*id="cancel">', page)  # asked once more, folded away
    form = {"key": hidden(page, "key"), "reason": "Found it cheaper"}
    for _ in range(2):
        answer = await browser.post(f"{address_of(order)}/cancellation", data=form)
        assert (answer.status_code, answer.headers["location"]) == (303, address_of(order))
    assert (await shop.events(order)).count("OrderCancelled") == 1
    assert "Found it cheaper" in await _read(browser, address_of(order))


async def test_a_reason_that_is_too_long_is_refused_at_its_field_and_kept(
    shop: ShopUnderTest, browser: httpx.AsyncClient
) -> None:
    order = await shop.place({"pen": 1}, customer=OWN)
    reason = "<" * 501
    answer = await browser.post(f"{address_of(order)}/cancellation", data={"key": "k", "reason": reason})
    assert answer.status_code == 422
    assert 'id="reason-refusal"' in answer.text
    assert "&lt;" * 501 in answer.text
    assert re.search(r'id="cancel" open', answer.text)
    assert (await shop.order(order)).status == "PENDING"


async def test_a_dispatched_order_cannot_be_cancelled(shop: ShopUnderTest, browser: httpx.AsyncClient) -> None:
    order = await shop.place({"pen": 1}, customer=OWN)
    await shop.run()
    form = {"key": hidden(await _read(browser, address_of(order)), "key")}
    await shop.dispatch(order)
    answer = await browser.post(f"{address_of(order)}/cancellation", data=form)
    assert answer.status_code == 422
    assert "already on its way" in answer.text
    assert "On its way" in answer.text


# The checkout


async def test_an_order_is_placed_and_has_a_confirmation(shop: ShopUnderTest, browser: httpx.AsyncClient) -> None:
    form = await _form(browser) | {"quantity:ink": "2"}
    answer = await browser.post("/orders", data=form)
    assert answer.status_code == 303, answer.text
    address = answer.headers["location"]
    assert re.fullmatch(r"/orders/ord_[0-9a-f]{32}\?placed=1", address)
    for _ in range(2):
        page = await _read(browser, address)
        assert "Thank you, your order was placed." in page
        assert "Ana<br>1 Road<br>12345 Exampletown<br>NY<br>US<br>" in page
    assert await shop.rows("SELECT sku, quantity FROM order_lines ORDER BY sku") == [("ink", 2), ("pen", 1)]


async def test_a_placed_order_shows_both_of_its_numbers(shop: ShopUnderTest, browser: httpx.AsyncClient) -> None:
    form = await _form(browser)
    page = await _read(browser, (await browser.post("/orders", data=form)).headers["location"])
    [(of_shop,)] = await shop.rows("SELECT reference FROM orders")
    assert f"<title>Order {form['reference']}" in page
    assert of_shop in page


async def test_a_form_sent_twice_places_one_order(shop: ShopUnderTest, browser: httpx.AsyncClient) -> None:
    form = await _form(browser)
    answers = [await browser.post("/orders", data=form) for _ in range(2)]
    assert {answer.headers["location"] for answer in answers} == {answers[0].headers["location"]}
    assert await shop.rows("SELECT count(*) FROM orders") == [(1,)]


async def test_the_same_form_with_other_content_is_refused_and_gets_a_new_reference(
    shop: ShopUnderTest, browser: httpx.AsyncClient
) -> None:
    form = await _form(browser)
    await browser.post("/orders", data=form)
    answer = await browser.post("/orders", data=form | {"quantity:pen": "2"})
    assert answer.status_code == 422
    assert "was used for a different order" in answer.text
    assert hidden(answer.text, "reference") != form["reference"]
    assert hidden(answer.text, "quantity:pen") == "2"


@pytest.mark.parametrize(
    ("entered", "beside"),
    [
        ({"quantity:pen": "x"}, "quantity-2-refusal"),
        ({"quantity:pen": "1.5"}, "quantity-2-refusal"),
        ({"quantity:pen": "-1"}, "quantity-2-refusal"),
        ({"quantity:pen": "99999999999"}, "quantity-2-refusal"),
        ({"quantity:pen": "1000001"}, "quantity-2-refusal"),
        ({"email": "nobody"}, "email-refusal"),
        ({"postalCode": "1234"}, "postalCode-refusal"),
        ({"line2": "y" * 201}, "line2-refusal"),
    ],
)
async def test_a_refusal_is_shown_at_its_field_and_the_input_is_kept(
    shop: ShopUnderTest, browser: httpx.AsyncClient, entered: dict[str, str], beside: str
) -> None:
    form = await _form(browser) | {"name": 'Ana "A"', "paymentMethod": "sandbox-declined"} | entered
    answer = await browser.post("/orders", data=form)
    assert answer.status_code == 422
    assert f'id="{beside}"' in answer.text
    assert re.search(rf'aria-describedby="([^"]* )?{beside}"', answer.text)
    field = beside.removesuffix("-refusal")
    assert re.search(rf'<h2 id="mistakes">There is a problem</h2>\s*<ul><li><a href="#{field}">', answer.text)
    assert "<title>Error: Place an order" in answer.text
    for name in ("name", "reference", *entered):
        assert hidden(answer.text, name) == form[name]
    assert 'value="sandbox-declined" checked' in answer.text
    assert await shop.rows("SELECT count(*) FROM orders") == [(0,)]


@pytest.mark.parametrize(
    ("entered", "message"),
    [
        ({"quantity:pen": "0"}, "Choose at least one item"),
        ({"quantity:pen": ""}, "Choose at least one item"),
        ({"quantity:unknown": "1"}, "There is no product with the SKU"),
        ({"paymentMethod": "y" * 101}, "paymentMethod has 101 characters"),
        ({"reference": ""}, "reference must not be empty"),
    ],
)
async def test_a_refusal_of_no_field_is_shown_on_the_page(
    shop: ShopUnderTest, browser: httpx.AsyncClient, entered: dict[str, str], message: str
) -> None:
    answer = await browser.post("/orders", data=await _form(browser) | entered)
    assert answer.status_code == 422
    assert message in answer.text


async def test_chosen_products_are_kept_across_pages_of_the_catalogue(
    shop: ShopUnderTest, browser: httpx.AsyncClient
) -> None:
    await shop.stock_up({f"thing-{n:02}": {"east": 1} for n in range(20)})
    page = await _read(browser, "/orders/new")
    after = re.search(r'name="after" value="([^"]+)">More products', page)
    assert after
    form = await _form(browser) | {"after": after[1]}
    answer = await browser.post("/orders/new", data=form)
    assert answer.status_code == 200
    assert 'type="hidden" name="quantity:pen" value="1"' in answer.text
    assert hidden(answer.text, "name") == "Ana"
    assert hidden(answer.text, "reference") == form["reference"]
    assert "thing-19" in answer.text
    placed = await browser.post("/orders", data=form | {"quantity:thing-19": "1"})
    assert placed.status_code == 303
    assert await shop.rows("SELECT count(*) FROM order_lines") == [(2,)]


async def test_the_address_of_the_last_order_is_filled_in(shop: ShopUnderTest, browser: httpx.AsyncClient) -> None:
    await browser.post("/orders", data=await _form(browser))
    assert hidden(await _read(browser, "/orders/new"), "city") == "Exampletown"


async def test_all_errors_come_at_once_and_lead_to_their_fields(
    shop: ShopUnderTest, browser: httpx.AsyncClient
) -> None:
    form = await _form(browser) | dict.fromkeys(ADDRESS, "") | {"quantity:pen": "x", "email": "nobody"}
    page = (await browser.post("/orders", data=form)).text
    summary = page[page.index('id="mistakes"') : page.index("</section>")]
    fields = re.findall(r'href="#([\w-]+)"', summary)
    assert fields == ["quantity-2", "name", "line1", "city", "country", "email"]
    for field in fields:
        assert page.count(f'id="{field}"') == 1


async def test_the_total_is_shown_before_the_order_is_placed(shop: ShopUnderTest, browser: httpx.AsyncClient) -> None:
    form = await _form(browser) | {"quantity:ink": "2"}
    page = (await browser.post("/orders/new", data=form)).text
    assert re.search(r'<tr class="total">.*?\$30\.00', page)
    assert "It comes in 2 parcels." in page
    location = (await browser.post("/orders", data=form)).headers["location"]
    await shop.run()
    assert re.search(r'<tr class="total">.*?\$30\.00', await _read(browser, location))


async def test_the_page_says_what_is_in_stock(shop: ShopUnderTest, browser: httpx.AsyncClient) -> None:
    await shop.stock_up({"many": {"east": 50}, "none": {"east": 0}})
    page = await _read(browser, "/orders/new")
    for words in ("In stock", "Only 5 left", "Sold out"):
        assert words in page
    page = (await browser.post("/orders/new", data=await _form(browser) | {"quantity:pen": "7"})).text
    assert "Only 5 of 7 in stock" in page
    assert "We ask for your answer before anything is sent or charged" in page


async def test_the_catalogue_is_searched_and_the_basket_kept(shop: ShopUnderTest, browser: httpx.AsyncClient) -> None:
    form = await _form(browser)
    page = (await browser.post("/orders/new", data=form | {"search": "in", "after": "x"})).text
    assert 'name="quantity:ink"' in page
    assert 'type="hidden" name="quantity:pen" value="1"' in page
    page = (await browser.post("/orders/new", data=form | {"search": "zebra"})).text
    assert "No product has such a name or number." in page
    page = (await browser.post("/orders/new", data=form | {"remove": "pen"})).text
    assert "Nothing chosen yet." in page


async def test_a_product_without_a_picture_gets_one_drawn_from_its_sku(browser: httpx.AsyncClient) -> None:
    page = await _read(browser, "/orders/new")
    addresses = re.findall(r'<img class="thumb" src="([^"]+)"', page)
    pictures = [await browser.get(address) for address in addresses]
    assert {picture.headers["content-type"] for picture in pictures} == {"image/svg+xml"}
    assert len({picture.text for picture in pictures}) == len(addresses) == 2
    assert "style" not in pictures[0].text
    assert (await browser.get(f"/pictures/{'x' * 200}.svg")).status_code == 404


async def test_products_in_another_currency_are_not_mixed_in(shop: ShopUnderTest, browser: httpx.AsyncClient) -> None:
    await shop.stock_up({"euro": {"east": 1}}, currency="EUR")
    assert 'name="quantity:euro"' not in await _read(browser, "/orders/new")
    for sku in ("pen", "ink"):
        await shop.execute("DELETE FROM products WHERE sku = :sku", sku=sku)
    assert 'name="quantity:euro"' in await _read(browser, "/orders/new")


async def test_an_empty_catalogue_is_stated(shop: ShopUnderTest, browser: httpx.AsyncClient) -> None:
    await shop.execute("TRUNCATE products")
    assert "The catalogue is empty." in await _read(browser, "/orders/new")


# Many items


async def test_a_long_order_is_shown_a_hundred_items_at_a_time(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    await shop.stock_up({f"bead-{number:03}": {"A": 1 if number < 240 else 0} for number in range(250)})
    order = address_of(await shop.place([(f"bead-{number:03}", 1) for number in range(250)], customer=OWN))
    await shop.run()

    async def named(address: str) -> tuple[list[str], str]:
        """What is listed as ordered, and the whole page."""
        page = await _read(browser, address)
        return re.findall(r"bead-\d+", page.partition("What you ordered")[2]), page

    first, page = await named(order)
    assert first == [f"bead-{number:03}" for number in range(100)]
    assert "Items 1 to 100 of 250" in page
    assert "and 140 more items" in page  # of the parcel
    assert page.count("1 of 1 not in stock") == 10
    assert f'href="{order}?items=100"' in page
    last, page = await named(f"{order}?items=200")
    assert last == [f"bead-{number:03}" for number in range(200, 250)]
    assert "Items 201 to 250 of 250" in page
    for nonsense in ("250", "-1", "x", "1" * 30):
        assert (await named(f"{order}?items={nonsense}"))[0] == first
