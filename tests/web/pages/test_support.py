"""Support's pages: search, an order's timeline and work, and repair forms; without JavaScript."""

import html
import re
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.vocabulary.ids import customer_id, order_id, shipment_id, work_id
from tests.shop import COURIER, ShopUnderTest, customer
from tests.web.conftest import Server
from tests.web.pages.conftest import persona, signed_in


@pytest.fixture
async def support(pages: Server, shop: ShopUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    async with persona(pages, "support") as browser:
        yield browser


@pytest.fixture
async def manager(pages: Server, shop: ShopUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    async with persona(pages, "manager") as browser:
        yield browser


async def read(browser: httpx.AsyncClient, address: str) -> str:
    """The text of a page, unescaped."""
    response = await browser.get(address)
    assert response.status_code == 200, response.text
    return html.unescape(response.text)


def listed(page: str) -> list[str]:
    """The references of the orders in a list, in its order."""
    return re.findall(r'href="/support/orders/ord_\w+">([^<]+)<', page)


def forms(page: str) -> list[str]:
    """The targets of the page's own forms."""
    return [
        address
        for address in re.findall(r'method="post" action="([^"]+)"', page)
        if address not in ("/sign-in", "/sign-out")
    ]


def refusals(page: str) -> list[str]:
    return re.findall(r'<p class="[^"]*refusal"[^>]*>(?:<svg.*?</svg><span>)?([^<]*)<', html.unescape(page))


async def parked(shop: ShopUnderTest) -> UUID:
    """An order whose charge kept failing."""
    order = await shop.place({"pen": 1}, reference="stuck-order")
    await shop.run("allocation")
    await shop.execute(
        """UPDATE work SET parked_at = clock_timestamp(), last_error = 'The bank gave no answer', attempt = 12
           WHERE queue = 'billing'"""
    )
    return order


def billing(order: UUID) -> str:
    return work_id(order, 1, "billing")


async def test_visitors_are_redirected_to_the_start_page(pages: Server) -> None:
    async with httpx.AsyncClient(base_url=pages.url) as nobody:
        for address in ("/support", "/support/parked", "/support/orders/ord_1", "/support/customers/cus_1"):
            response = await nobody.get(address)
            assert (response.status_code, response.headers["location"].partition("?")[0]) == (303, "/")


@pytest.mark.parametrize("viewer", [customer("ana"), COURIER], ids=str)
async def test_customers_and_couriers_may_not_open_support_pages(
    pages: Server, shop: ShopUnderTest, viewer: Viewer
) -> None:
    order = await parked(shop)
    [(ana,)] = await shop.rows("SELECT id FROM customers")
    async with signed_in(pages, shop, viewer) as browser:
        for address in (
            "/support",
            "/support/parked",
            f"/support/orders/{order_id(order)}",
            f"/support/customers/{customer_id(ana)}",
        ):
            response = await browser.get(address)
            assert response.status_code == 403
            assert "stuck-order" not in response.text
        assert (await browser.post(f"/support/orders/{order_id(order)}/cancellation")).status_code == 403
        assert (await browser.post(f"/support/parked/{billing(order)}/retry")).status_code == 403
    assert (await shop.order(order)).status == "PROCESSING"


@pytest.mark.parametrize("text", ["order", "bo", "ink", "Ink order"])
async def test_the_search_finds_orders_by_parts_of_what_they_say(
    support: httpx.AsyncClient, shop: ShopUnderTest, text: str
) -> None:
    await shop.place({"ink": 1}, reference="order-7", customer="bo")
    await shop.place({"pen": 1}, reference="other")
    await shop.run()
    assert listed(await read(support, f"/support?q={text}")) == ["order-7"]
    assert listed(await read(support, f"/support?q={text}&status=FAILED")) == []


async def test_a_whole_number_leads_to_its_order(support: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    order = await shop.place({"ink": 1}, reference="order-7", customer="bo")
    await shop.place({"pen": 1}, reference="other")
    await shop.run()
    [(tracking,)] = await shop.rows("SELECT tracking_number FROM shipments WHERE order_id = :order", order=order)
    for text in ("ORDER-7", order_id(order), tracking.lower()):
        answer = await support.get("/support", params={"q": text})
        assert (answer.status_code, answer.headers["location"]) == (303, f"/support/orders/{order_id(order)}"), text


async def test_a_search_without_results_says_so_and_keeps_the_query(support: httpx.AsyncClient) -> None:
    page = await read(support, "/support?q=nobodys&status=FAILED")
    assert "No order has all of these words" in page
    assert "Search: <b>nobodys</b>" in page
    assert "Status: <b>Failed</b>" in page


@pytest.mark.parametrize("address", ["/support?q=" + "x" * 255, "/support?after=zzz", "/support?status=LOST"])
async def test_an_invalid_search_is_refused_and_the_search_box_stays(support: httpx.AsyncClient, address: str) -> None:
    response = await support.get(address)
    assert response.status_code == 422
    assert len(refusals(response.text)) == 1
    assert 'name="q"' in response.text


async def test_markup_in_a_search_stays_text(support: httpx.AsyncClient) -> None:
    response = await support.get("/support", params={"q": '"><script>alert(1)</script>'})
    assert "<script>alert" not in response.text


async def test_an_order_shows_everything_about_it(support: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    order = await shop.place({"pen": 1, "ink": 7}, reference="whole")
    await shop.run()
    await shop.accept(order)
    await shop.run()
    page = await read(support, f"/support/orders/{order_id(order)}")
    assert "whole" in page
    assert "/support/customers/cus_" in page
    for tracking, invoice in await shop.rows("SELECT tracking_number, invoice_number FROM shipments"):
        assert tracking in page
        assert invoice in page
    assert re.search(r'data-tone="warn"><svg.*?</svg>2</span>', page), "what is unavailable"
    assert re.findall(r'id="event-(\d+)"', page) == [
        str(number) for number in range(len(await shop.events(order)), 0, -1)
    ]
    assert "cart (service)" in page
    assert "(the system)" in page
    assert "None: the next step needs a person." in page


async def test_a_long_event_list_has_pages(
    support: httpx.AsyncClient, shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oms.web.pages.support.order.EVENTS", 2)
    order = await shop.place({"pen": 1})
    await shop.run()
    address, found = f"/support/orders/{order_id(order)}", []
    while address:
        page = await read(support, address)
        found += re.findall(r'id="event-\d+".*?class="soft">[^<]*, (\w+)</span>', page, re.DOTALL)
        more = re.findall(r'href="(\?events=\d+)" rel="next"', page)
        address = f"/support/orders/{order_id(order)}{more[0]}" if more else ""
    assert found == (await shop.events(order))[::-1]


async def test_an_order_links_to_graphiql_with_its_query_filled_in(
    support: httpx.AsyncClient, shop: ShopUnderTest
) -> None:
    order = await shop.place({"pen": 1}, reference="asked-about")
    page = await read(support, f"/support/orders/{order_id(order)}")
    [address] = re.findall(r'href="(/graphql\?[^"]+)"', page)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    response = await support.post("/graphql", content=f'{{"query": {_json(asked["query"])}, "variables": '
                                  f'{asked["variables"]}}}', headers={"Content-Type": "application/json"})  # fmt: skip
    assert response.json()["data"]["order"]["reference"] == "asked-about"


def _json(text: str) -> str:
    return '"' + text.replace('"', '\\"').replace("\n", "\\n") + '"'


@pytest.mark.parametrize(
    "address", ["/support/orders/ord_x", f"/support/orders/ord_{'0' * 32}", "/support/customers/x"]
)
async def test_unknown_things_are_not_found(support: httpx.AsyncClient, address: str) -> None:
    assert (await support.get(address)).status_code == 404


async def test_a_customer_s_orders_are_on_a_page_of_their_own(support: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    await shop.place({"pen": 1}, reference="mine")
    await shop.place({"pen": 1}, reference="not-mine", customer="bo")
    await shop.place({"pen": 1}, reference="mine-too")
    [(ana,)] = await shop.rows("SELECT id FROM customers WHERE reference = 'ana'")
    page = await read(support, f"/support/customers/{customer_id(ana)}")
    assert listed(page) == ["mine-too", "mine"]


async def test_support_cancels_an_order_and_the_timeline_has_actor_and_reason(
    support: httpx.AsyncClient, shop: ShopUnderTest
) -> None:
    order = await shop.place({"pen": 1})
    here = f"/support/orders/{order_id(order)}"
    assert f"{here}/cancellation" in forms(await read(support, here))
    response = await support.post(f"{here}/cancellation", data={"reason": "They rang", "key": "k1"})
    assert (response.status_code, response.headers["location"]) == (303, here)
    again = await support.post(f"{here}/cancellation", data={"reason": "They rang", "key": "k1"})
    assert again.status_code == 303, "the key makes the second press harmless"
    page = await read(support, here)
    assert f"{here}/cancellation" not in forms(page)
    assert "demo support (support)" in page
    assert "They rang" in page
    assert await shop.events(order) == ["OrderPlaced", "OrderCancelled"]


async def test_a_late_cancellation_is_refused_with_a_message(support: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    order = await shop.place({"pen": 1})
    await shop.run()
    await shop.dispatch(order)
    here = f"/support/orders/{order_id(order)}"
    assert f"{here}/cancellation" not in forms(await read(support, here))
    response = await support.post(f"{here}/cancellation", data={"reason": "", "key": "k2"})
    assert response.status_code == 422
    assert refusals(response.text) == ["A shipment is already on its way, so the order can't be cancelled any more."]
    assert f'data-hx-get="{here}"' in response.text, "it stays live as the order's page"


async def test_the_reason_of_a_refused_cancellation_is_kept(support: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    order = await shop.place({"pen": 1})
    response = await support.post(
        f"/support/orders/{order_id(order)}/cancellation", data={"reason": "why " * 200, "key": "k3"}
    )
    assert response.status_code == 422
    assert len(refusals(response.text)) == 1
    assert "why why why" in response.text
    assert 'aria-invalid="true"' in response.text
    assert (await shop.order(order)).status == "PENDING"


async def test_a_shipment_is_reported_as_failed_with_its_reason(
    support: httpx.AsyncClient, shop: ShopUnderTest
) -> None:
    order = await shop.place({"pen": 1})
    await shop.run()
    here = f"/support/orders/{order_id(order)}"
    [failure] = [form for form in forms(await read(support, here)) if form.endswith("/failure")]
    assert failure == f"{here}/shipments/{shipment_id(order, 1)}/failure"
    empty = await support.post(failure, data={"reason": " ", "key": "k4"})
    assert empty.status_code == 422
    assert refusals(empty.text)
    assert (await support.post(failure, data={"reason": "Never collected", "key": "k5"})).status_code == 303
    assert "Never collected" in await read(support, here)
    assert (await shop.order(order)).status == "FAILED"
    late = await support.post(failure, data={"reason": "Again", "key": "k6"})
    assert late.status_code == 422
    assert "only one that is BOOKED or DISPATCHED" in refusals(late.text)[0]


@pytest.mark.parametrize("on_order", [True, False], ids=["from the order", "from the parked work"])
async def test_a_stuck_job_is_retried(support: httpx.AsyncClient, shop: ShopUnderTest, on_order: bool) -> None:
    order = await parked(shop)
    here = f"/support/orders/{order_id(order)}" if on_order else "/support/parked"
    page = await read(support, here)
    assert "The bank gave no answer" in page
    assert "12" in page
    assert "1 stuck" in await read(support, "/support")
    [retry] = [form for form in forms(page) if form.endswith(f"{billing(order)}/retry")]
    response = await support.post(retry, data={"key": "k7"})
    assert (response.status_code, response.headers["location"]) == (303, here)
    assert (await support.post(retry, data={"key": "k7"})).status_code == 303
    assert await shop.rows("SELECT attempt, parked_at FROM work WHERE queue = 'billing'") == [(0, None)]
    late = await support.post(retry, data={"key": "k8"})
    assert late.status_code == 422
    assert refusals(late.text) == ["No stuck job has this id; it may have been retried already."]


@pytest.mark.parametrize("on_order", [True, False], ids=["from the order", "from the parked work"])
async def test_a_stuck_job_is_given_up_with_a_reason(
    support: httpx.AsyncClient, shop: ShopUnderTest, on_order: bool
) -> None:
    order = await parked(shop)
    here = f"/support/orders/{order_id(order)}" if on_order else "/support/parked"
    [give_up] = [form for form in forms(await read(support, here)) if form.endswith("/abandonment")]
    refused = await support.post(give_up, data={"reason": "", "key": "k9"})
    assert refused.status_code == 422
    assert len(refusals(refused.text)) == 1
    response = await support.post(give_up, data={"reason": "The bank is gone", "key": "k10"})
    assert (response.status_code, response.headers["location"]) == (303, here)
    assert (await shop.order(order)).status == "FAILED"
    assert "The bank is gone" in await read(support, f"/support/orders/{order_id(order)}")


async def test_the_order_s_own_work_can_be_retried_only(support: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    order = await shop.place({"pen": 1})
    await shop.execute("UPDATE work SET parked_at = clock_timestamp(), attempt = 12")
    page = await read(support, f"/support/orders/{order_id(order)}")
    assert [form for form in forms(page) if "/work/" in form] == [
        f"/support/orders/{order_id(order)}/work/{work_id(order, 0, 'allocation')}/retry"
    ]
    assert "Reserve the items in warehouses" in page


async def test_due_and_held_work_shows_when_it_continues(support: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    order = await shop.place({"pen": 1})
    await shop.execute("UPDATE work SET attempt = 2, last_error = 'No answer', due_at = due_at + interval '1 minute'")
    page = await read(support, f"/support/orders/{order_id(order)}")
    assert "Next try" in page
    assert "Reserve the items in warehouses: failed, and tried again" in page
    assert "No answer" in page
    assert not [form for form in forms(page) if "/work/" in form]
    await shop.execute("UPDATE work SET held = true")
    assert "On hold until maintenance mode ends" in await read(support, f"/support/orders/{order_id(order)}")


async def test_managers_see_the_same_and_cannot_repair_jobs(manager: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    order = await parked(shop)
    here = f"/support/orders/{order_id(order)}"
    page = await read(manager, here)
    assert "The bank gave no answer" in page
    assert forms(page) == [f"{here}/cancellation", f"{here}/notes"]
    assert "stuck-order" in listed(await read(manager, "/support"))
    assert (await manager.get("/support/parked")).status_code == 403
    refused = await manager.post(f"{here}/work/{billing(order)}/retry", data={"key": "k11"})
    assert refused.status_code == 403
    assert "As MANAGER you can&#39;t retry" in refused.text
    assert await shop.rows("SELECT count(*) FROM work WHERE parked_at IS NOT NULL") == [(1,)]


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}], ids=str)
async def test_forms_of_other_sites_do_nothing(
    support: httpx.AsyncClient, shop: ShopUnderTest, headers: dict[str, str]
) -> None:
    order = await shop.place({"pen": 1})
    response = await support.post(f"/support/orders/{order_id(order)}/cancellation", headers=headers)
    assert response.status_code == 403
    assert (await shop.order(order)).status == "PENDING"


def stands_in(page: str, first: str, second: str) -> bool:
    """Whether the rows of a table have them beside each other."""
    return re.search(rf">{re.escape(first)}</th><td class=\"num\">{re.escape(second)}<", page) is not None


async def test_the_money_of_an_order_is_summed_up_once(support: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    order = await shop.place({"pen": 2})
    here = f"/support/orders/{order_id(order)}"
    assert stands_in(await read(support, here), "Total", "not known yet")
    await shop.run()
    page = await read(support, here)
    [(subtotal, tax, shipping, total)] = await shop.rows("SELECT subtotal_minor, tax_minor, shipping_minor, "
                                                         "charged_minor FROM shipments")  # fmt: skip
    for name, minor in (("Subtotal", subtotal), ("Shipping", shipping), ("Tax", tax), ("Total", total),
                        ("Invoiced", total), ("Paid", total), ("Open", 0)):  # fmt: skip
        assert stands_in(page, name, f"${minor / 100:,.2f}"), name
    assert ">Discount<" not in page
    await shop.cancel(order)
    await shop.run()
    page = await read(support, here)
    assert stands_in(page, "Refunded", f"${total / 100:,.2f}")
    assert stands_in(page, "Paid", "$0.00")


async def test_the_page_begins_with_what_is_wrong_and_what_to_do(
    support: httpx.AsyncClient, shop: ShopUnderTest
) -> None:
    stuck = await read(support, f"/support/orders/{order_id(await parked(shop))}")
    notice = stuck[stuck.index('<section class="notice"') : stuck.index('<article class="card"')]
    for part in (
        "shipment 1: stuck after 12 attempts",
        "The bank gave no answer",
        "Retry now",
        "Give up",
        'data-tone="bad"',
    ):
        assert part in notice, part
    amended = await shop.place({"pen": 1, "ink": 99})
    await shop.run("allocation")
    page = await read(support, f"/support/orders/{order_id(amended)}")
    assert "Awaiting customer</h2>" in page
    assert "Nothing is charged before the answer" in page
    fine = await shop.place({"pen": 1})
    await shop.run()
    assert "Next: Courier picks up" in await read(support, f"/support/orders/{order_id(fine)}")
    await shop.cancel(fine)
    await shop.run()
    assert '<p class="notice slim">' not in await read(support, f"/support/orders/{order_id(fine)}")


async def test_a_retry_asks_first(support: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    order = await parked(shop)
    page = await read(support, f"/support/orders/{order_id(order)}")
    form = page[page.index("Retry …</summary>") : page.index("Retry now")]
    assert f"{billing(order)}/retry" in form
    assert "<details" in page[: page.index("Retry …</summary>")].rpartition("<summary")[0][-40:]


async def test_history_and_notes_are_grouped_by_day_newest_first(
    support: httpx.AsyncClient, shop: ShopUnderTest
) -> None:
    order = await shop.place({"pen": 1})
    await shop.run()
    await shop.execute("UPDATE order_events SET at = at - interval '3 days' WHERE seq = 1")
    page = await read(support, f"/support/orders/{order_id(order)}")
    assert len(re.findall(r'<li class="day" data-day>', page)) == 2
    assert re.search(r'data-day>\w+, \w+ \d+, \d{4}</li>\s*<li id="event-1"', page)


async def test_notes_are_written_and_shown_to_staff(
    support: httpx.AsyncClient, manager: httpx.AsyncClient, shop: ShopUnderTest
) -> None:
    order = await shop.place({"pen": 1})
    here = f"/support/orders/{order_id(order)}"
    assert "No notes yet." in await read(support, here)
    for _ in range(2):
        added = await support.post(f"{here}/notes", data={"text": "Called <b>twice</b>\nno answer", "key": "n1"})
        assert (added.status_code, added.headers["location"]) == (303, here)
    shown = (await manager.get(here)).text
    assert shown.count("Called &lt;b&gt;twice&lt;/b&gt;\nno answer</div>") == 1
    assert "<b>demo support</b>" in shown
    refused = await support.post(f"{here}/notes", data={"text": "x" * 2001, "key": "n2"})
    assert refused.status_code == 422
    assert refusals(refused.text) == ["text has 2001 characters; at most 2000 are allowed."]
    assert "x" * 2001 in refused.text


async def test_older_notes_are_on_further_pages(
    support: httpx.AsyncClient, shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oms.web.pages.support.order.NOTES", 2)
    order = await shop.place({"pen": 1})
    here = f"/support/orders/{order_id(order)}"
    for number in range(3):
        await support.post(f"{here}/notes", data={"text": f"Note {number}", "key": f"n{number}"})
    first = await read(support, here)
    assert re.findall(r'said">(Note \d)<', first) == ["Note 2", "Note 1"]
    [more] = re.findall(r'href="(\?notes=[^"]+)" rel="next"', first)
    assert re.findall(r'said">(Note \d)<', await read(support, here + more)) == ["Note 0"]
