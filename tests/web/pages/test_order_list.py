"""The list of orders: views with counts, filters, sort, place, what came in, bulk actions and export; no JavaScript."""

import csv
import html
import io
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest

from oms.domain.vocabulary.ids import customer_id, order_id, work_id
from oms.web.pages.support import order_export
from oms.web.pages.support.order_list import matched
from tests.shop import ShopUnderTest
from tests.web.conftest import Server
from tests.web.pages.conftest import hidden, persona
from tests.web.pages.test_support import listed, parked, read, refusals


@pytest.fixture
async def support(pages: Server, shop: ShopUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    async with persona(pages, "support") as browser:
        yield browser


async def several(shop: ShopUnderTest) -> dict[str, UUID]:
    """One order or two in each view, by reference."""
    await shop.stock_up({"pen": {"east": 50}, "ink": {"west": 50}})
    orders = {name: await shop.place({"pen": 1}, reference=name) for name in ("done", "gone", "sent")}
    await shop.run()
    for name in ("done", "sent"):
        await shop.dispatch(orders[name])
    await shop.deliver(orders["done"])
    await shop.cancel(orders["gone"])
    orders["asked"] = await shop.place({"pen": 99}, reference="asked")
    await shop.run()
    return orders | {"new": await shop.place({"ink": 1}, reference="new", customer="bo")}


def tabs(page: str) -> dict[str, str]:
    """The counts of the views by their labels."""
    return dict(
        re.findall(r'<li><a href="/support[^"]*"(?: aria-current="page")?>([\w ]+) <span class="n">([\d,+]+)<', page)
    )


async def test_each_view_has_an_address_a_count_and_its_orders(support: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    await several(shop)
    await shop.execute("UPDATE work SET parked_at = clock_timestamp() WHERE subject_id IN"
                       " (SELECT id FROM orders WHERE reference = 'new')")  # fmt: skip
    page = await read(support, "/support")
    assert tabs(page) == {
        "All": "5", "Open": "3", "Needs attention": "1", "Awaiting customer": "1", "Processing": "1", "Completed": "1",
        "Failed or cancelled": "1",
    }  # fmt: skip
    assert listed(page) == ["new", "asked", "sent", "gone", "done"]
    for view, expected in {
        "open": ["sent", "asked", "new"], "attention": ["new"], "awaiting": ["asked"], "processing": ["sent"],
        "completed": ["done"], "ended": ["gone"],
    }.items():  # fmt: skip
        page = await read(support, f"/support?view={view}")
        assert listed(page) == expected
        assert page.count('aria-current="page"') == 2, "the view's tab, and the place Orders"


async def test_filters_are_chips_that_can_be_removed_and_count_in_the_tabs(
    support: httpx.AsyncClient, shop: ShopUnderTest
) -> None:
    await several(shop)
    [(bo,)] = await shop.rows("SELECT id FROM customers WHERE reference = 'bo'")
    page = await read(support, f"/support?status=PENDING&status=CANCELLED&from=2020-01-01&customer={customer_id(bo)}")
    assert listed(page) == ["new"]
    assert tabs(page)["All"] == "1"
    chips = dict(re.findall(r'href="([^"]*)"><span class="unseen">Remove filter </span>([^<]*: <b>[^<]*)</b>', page))
    assert list(chips.values()) == ["Status: <b>Received", "Status: <b>Cancelled", "Placed from: <b>2020-01-01",
                                    "Customer: <b>one customer"]  # fmt: skip
    without_customer = next(address for address, name in chips.items() if name.startswith("Customer"))
    assert listed(await read(support, without_customer)) == ["new", "gone"]
    assert listed(await read(support, "/support?to=2020-01-01")) == []
    assert listed(await read(support, "/support?view=ended&status=PENDING")) == []


@pytest.mark.parametrize(
    ("sort", "expected"),
    [("newest", "new asked sent gone done"), ("oldest", "done gone sent asked new"), ("waiting", "sent asked new")],
)
async def test_the_list_is_sorted_as_its_address_says(
    support: httpx.AsyncClient, shop: ShopUnderTest, sort: str, expected: str
) -> None:
    await several(shop)
    assert " ".join(listed(await read(support, f"/support?sort={sort}"))).startswith(expected)


async def test_the_largest_total_comes_first(support: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    await shop.stock_up({"pen": {"east": 50}})
    for units in (2, 9, 5):
        await shop.place({"pen": units}, reference=f"units-{units}")
    await shop.run()
    assert listed(await read(support, "/support?sort=total")) == ["units-9", "units-5", "units-2"]


async def test_a_page_says_its_place_in_the_list(
    support: httpx.AsyncClient, shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oms.web.pages.support.order_list.PAGE", 2)
    await several(shop)
    address, places, found = "/support?sort=oldest", [], []
    while address:
        page = await read(support, address)
        found += listed(page)
        places += re.findall(r'aria-label="Pages of orders">\s*<span>([^<]+)<', page)
        address = next(iter(re.findall(r'href="([^"]+)" rel="next"', page)), "")
    assert places == ["1–2 of 5", "3–4 of 5", "5–5 of 5"]
    assert found == ["done", "gone", "sent", "asked", "new"]


async def test_counts_end_where_nobody_reads_on(
    support: httpx.AsyncClient, shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("oms.domain.order_queries.counts", "oms.schema.order_counts"):
        monkeypatch.setattr(f"{module}.MAX_COUNTED", 3)
    await several(shop)
    page = await read(support, "/support")
    assert tabs(page)["All"] == "3+"
    assert "1–5 of 3+" in page


async def test_what_came_in_since_the_list_was_opened_waits_in_a_line_above_it(
    support: httpx.AsyncClient, shop: ShopUnderTest
) -> None:
    orders = await several(shop)
    opened = await read(support, "/support")
    [refresh] = re.findall(r'<main[^>]* data-hx-get="([^"]+)"', opened)
    assert "came in" not in opened
    for name in ("later", "latest"):
        await shop.place({"ink": 1}, reference=name)
    await shop.cancel(orders["new"])
    refreshed = await read(support, refresh)
    assert listed(refreshed) == listed(opened)
    assert "2 orders came in since you opened this list." in refreshed
    assert re.findall(r'<main[^>]* data-hx-get="([^"]+)"', refreshed) == [refresh]
    assert tabs(refreshed)["Failed or cancelled"] == "2", "what was shown keeps up"
    [shown] = re.findall(r'id="news"><td[^>]*><a href="([^"]+)"', refreshed)
    assert listed(await read(support, shown))[:2] == ["latest", "later"]


@pytest.mark.parametrize(
    "address", ["/support?from=yesterday", "/support?view=none", "/support?sort=none", "/support?since=now",
                "/support?to=9999-12-31&from=0001-01-01", "/support?customer=cus_1&sort=total"],
)  # fmt: skip
async def test_an_address_is_answered_or_refused_and_never_fails(
    support: httpx.AsyncClient, shop: ShopUnderTest, address: str
) -> None:
    response = await support.get(address)
    assert response.status_code in (200, 422)
    assert (len(refusals(response.text)) == 1) == (response.status_code == 422)
    assert (await support.get(address.replace("/support", "/support/orders.csv"))).status_code in (200, 400, 422)


async def test_too_many_orders_to_sort_are_refused_with_advice(
    support: httpx.AsyncClient, shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("oms.domain.order_queries.counts", "oms.domain.order_queries.lists"):
        monkeypatch.setattr(f"{module}.MAX_COUNTED", 2)
    await several(shop)
    response = await support.get("/support?sort=total")
    assert response.status_code == 422
    assert "choose a status, a customer, or some days" in refusals(response.text)[0]


# bulk actions


def chosen(*orders: UUID) -> str:
    return "&".join(f"order={order_id(order)}" for order in orders)


def results(page: str) -> dict[str, str]:
    """What the page of results says about each order."""
    rows = re.findall(
        r'href="/support/orders/ord_\w+">([^<]+)</a>.*?at-more">(.*?)</td>', html.unescape(page), re.DOTALL
    )
    return {reference: re.sub("<.*?>", "", text).strip() for reference, text in rows}


async def test_chosen_orders_are_cancelled_each_with_its_own_result(
    support: httpx.AsyncClient, shop: ShopUnderTest
) -> None:
    orders = await several(shop)
    asked = await read(support, f"/support/chosen?do=cancel&{chosen(*orders.values())}")
    assert "<h1>Cancel 2 orders</h1>" in asked
    assert results(asked)["sent"].startswith("Stays as it is")
    await shop.run()  # meanwhile, "new" is booked and picked up
    await shop.dispatch(orders["new"])
    fields = {name: hidden(asked, name) for name in ("key", "orders")} | {"reason": "Out of print"}
    answer = await support.post("/support/chosen/cancellation", data=fields)
    assert answer.status_code == 200
    assert results(answer.text) == {
        "new": "Not done A shipment is already on its way, so the order can't be cancelled any more.",
        "asked": "Cancelled",
    }
    assert "Cancelled: 1 of 2" in answer.text
    assert (await shop.order(orders["asked"])).status == "CANCELLED"
    again = await support.post("/support/chosen/cancellation", data=fields)
    assert results(again.text) == results(answer.text), "a form that is sent twice does nothing more"
    assert (await shop.events(orders["asked"])).count("OrderCancelled") == 1


async def test_stuck_jobs_of_chosen_orders_are_retried(support: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    order = await parked(shop)
    other = await shop.place({"ink": 1}, reference="healthy")
    asked = await read(support, f"/support/chosen?do=retry&{chosen(order, other)}")
    assert "<h1>Retry 1 stuck job</h1>" in asked
    fields = {name: hidden(asked, name) for name in ("key", "orders", "jobs")}
    assert fields["jobs"].split() == [work_id(order, 1, "billing")]
    for _ in range(2):
        answer = await support.post("/support/chosen/retry", data=fields)
        assert results(answer.text) == {"stuck-order": "Retried"}
    assert (await shop.events(order)).count("WorkRetried") == 1
    late = await support.post("/support/chosen/retry", data=fields | {"key": "another"})
    assert results(late.text) == {"stuck-order": "Not done No stuck job has this id; it may have been retried already."}


async def test_all_stuck_jobs_are_retried_from_their_page(support: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    for name in ("one", "two"):
        await shop.place({"pen": 1}, reference=name)
    await shop.run("allocation")
    await shop.execute("UPDATE work SET parked_at = clock_timestamp(), last_error = 'No answer'")
    [address] = re.findall(r'href="(/support/chosen[^"]*)"', await read(support, "/support/parked"))
    asked = await read(support, address)
    assert "<h1>Retry 2 stuck jobs</h1>" in asked
    fields = {name: hidden(asked, name) for name in ("key", "orders", "jobs")}
    answer = await support.post("/support/chosen/retry", data=fields)
    assert results(answer.text) == {"two": "Retried", "one": "Retried"}
    assert "/support/chosen" not in await read(support, "/support/parked")


async def test_a_customer_s_orders_lead_to_the_list_with_all_filters(
    support: httpx.AsyncClient, shop: ShopUnderTest
) -> None:
    await several(shop)
    [(ana,)] = await shop.rows("SELECT id FROM customers WHERE reference = 'ana'")
    page = await read(support, f"/support/customers/{customer_id(ana)}")
    [address] = re.findall(r'href="(/support\?customer=[^"]+)"', page)
    assert listed(await read(support, f"{address}&sort=oldest")) == ["done", "gone", "sent", "asked"]


async def test_managers_cancel_and_do_not_retry(pages: Server, shop: ShopUnderTest) -> None:
    order = await parked(shop)
    async with persona(pages, "manager") as manager:
        asked = await read(manager, f"/support/chosen?do=retry&{chosen(order)}")
        assert "None of the chosen orders has a stuck job that you may retry." in asked
        assert (await manager.post("/support/chosen/retry", data={"key": "k"})).status_code == 403
        assert "Cancel 1 order" in await read(manager, f"/support/chosen?do=cancel&{chosen(order)}")


TOO_MANY = "&".join(f"order=o{number}" for number in range(101))


@pytest.mark.parametrize(
    ("query", "status"), [("", 422), ("order=ord_1", 404), (TOO_MANY, 422)], ids=["none", "unknown", "too many"]
)
async def test_nothing_or_too_much_chosen_is_said(
    support: httpx.AsyncClient, shop: ShopUnderTest, query: str, status: int
) -> None:
    assert (await support.get(f"/support/chosen?do=cancel&{query}")).status_code == status


# export


async def rows(browser: httpx.AsyncClient, address: str) -> list[dict[str, str]]:
    response = await browser.get(address)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    assert response.content.startswith(b"\xef\xbb\xbf"), "spreadsheets need the mark"
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


async def test_the_list_is_exported_as_it_is_filtered_and_sorted(
    support: httpx.AsyncClient, shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_export, "_PAGE", 2)
    orders = await several(shop)
    found = await rows(support, "/support/orders.csv?sort=oldest")
    assert [row["reference"] for row in found] == ["done", "gone", "sent", "asked", "new"]
    assert found[0].keys() == set(order_export.COLUMNS)
    done = found[0]
    assert (done["status"], done["customer"], done["currency"], done["delivered"]) == ("COMPLETED", "ana", "USD", "1")
    assert re.fullmatch(r"\d+\.\d\d", done["total"])
    assert [row["reference"] for row in await rows(support, "/support/orders.csv?view=completed")] == ["done"]
    query = chosen(orders["new"], orders["sent"])
    assert [row["reference"] for row in await rows(support, f"/support/orders.csv?{query}")] == ["new", "sent"]


async def test_an_export_ends_at_its_bound_and_its_name_says_so(
    support: httpx.AsyncClient, shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_export, "_PAGE", 2)
    monkeypatch.setattr(order_export, "MAX_EXPORTED", 4)
    await several(shop)
    assert len(await rows(support, "/support/orders.csv")) == 4
    assert "orders-at-most-4.csv" in (await support.get("/support/orders.csv")).headers["content-disposition"]
    assert "at most 10,000 orders" in await read(support, "/support")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_text_of_a_customer_becomes_a_formula(text: str) -> None:
    assert order_export.as_text(text) == f"'{text}"
    assert order_export.as_text("R-1=2") == "R-1=2"


def test_amounts_are_decimals_in_the_digits_of_their_currency() -> None:
    def total(amount: int, currency: str) -> str:
        order: dict[str, Any] = {
            "reference": "r",
            "status": "PENDING",
            "customer": {"reference": "c"},
            "placedAt": "",
            "shipments": [],
        }
        order |= {"closedAt": None, "total": {"amount": amount, "currency": currency}}
        return order_export.row(order)[order_export.COLUMNS.index("total")]

    assert (total(1999, "USD"), total(1999, "JPY"), total(1999, "BHD")) == ("19.99", "1999", "1.999")


async def test_the_filters_form_keeps_what_it_does_not_ask_for(support: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    page = await read(support, "/support?view=open&sort=oldest&status=PENDING&from=2020-01-01")
    assert hidden(page, "view") == "open"
    assert hidden(page, "sort") == "oldest"
    assert 'value="PENDING" checked' in page
    [address] = re.findall(r'class="button chip" href="(/support/orders.csv[^"]*)"', page)
    assert parse_qs(urlsplit(address).query) == {"view": ["open"], "sort": ["oldest"], "status": ["PENDING"],
                                                  "from": ["2020-01-01"]}  # fmt: skip


FOUND = {
    "reference": "C-1", "ownReference": "SHOP-7", "shipments": [{"trackingNumber": None}, {"trackingNumber": "SBX42"}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ("shop", "by the customer's reference SHOP-7"),
        ("berlin sbx4", "by tracking number SBX42"),
        ("C-1", ""),
        ("berlin", ""),
        ("", ""),
    ],
)
def test_a_row_says_by_which_number_it_was_found_that_it_does_not_show(search: str, said: str) -> None:
    assert matched(FOUND, search) == said
