"""Couriers pick up, deliver and report in a browser, without any script; and what the script relies on."""

import re
from typing import Any
from uuid import UUID

import httpx
import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.ids import order_id, shipment_id
from oms.web.pages.courier import run
from tests.shop import ShopUnderTest, customer
from tests.web.conftest import Server
from tests.web.pages.conftest import hidden, persona, signed_in, visiting


@pytest.fixture
async def browser(pages: Server, shop: ShopUnderTest) -> Any:
    async with persona(pages, "courier") as browser:
        yield browser


@pytest.fixture
async def booked(shop: ShopUnderTest) -> UUID:
    """An order of two shipments, from east and from west."""
    order = await shop.place({"pen": 2, "ink": 1}, reference="R-1")
    await shop.run()
    return order


def address_of(order: UUID, number: int = 1) -> str:
    return f"/courier/shipments/{shipment_id(order, number)}"


def read_form(html: str, name: str) -> dict[str, str]:
    """The fields that are filled in already of the form of that id."""
    [form] = re.findall(rf'<form id="{name}".*?</form>', html, re.DOTALL)
    return {"key": hidden(form, "key")}


def tabs(html: str) -> list[str]:
    return re.findall(r"<span class=\"n\">([\d,+]+)</span></a>", html)


async def _read(browser: httpx.AsyncClient, address: str, status: int = 200) -> str:
    answer = await browser.get(address)
    assert answer.status_code == status, answer.text
    return answer.text


async def _press(browser: httpx.AsyncClient, address: str, noun: str) -> httpx.Response:
    """The button of the form as the page shows it now."""
    return await browser.post(f"{address}/{noun}", data=read_form(await _read(browser, address), noun))


# Who comes here


async def test_visitors_are_redirected_to_the_start_page(pages: Server, booked: UUID) -> None:
    async with visiting(pages) as nobody:
        for address in ("/courier", address_of(booked)):
            answer = await nobody.get(address)
            assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/")
        answer = await nobody.post(f"{address_of(booked)}/dispatch")
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/")


async def test_customers_have_no_business_with_the_list(pages: Server, shop: ShopUnderTest) -> None:
    async with persona(pages, "customer") as browser:
        assert "you can&#39;t count shipments" in await _read(browser, "/courier", 403)


@pytest.mark.parametrize("role", [Role.MANAGER, Role.SUPPORT])
async def test_others_may_look_but_not_carry(pages: Server, shop: ShopUnderTest, booked: UUID, role: Role) -> None:
    async with signed_in(pages, shop, Viewer(role.lower(), role)) as browser:
        assert address_of(booked) in await _read(browser, "/courier")
        page = await _read(browser, address_of(booked))
        assert 'class="dock act"' not in page
        answer = await browser.post(f"{address_of(booked)}/dispatch", data={"key": "k"})
        assert answer.status_code == 403
        assert "you can&#39;t dispatch a shipment" in answer.text
    assert (await shop.order(booked)).shipments[0].status == "BOOKED"


async def test_customers_may_not_carry_what_is_theirs(pages: Server, shop: ShopUnderTest, booked: UUID) -> None:
    async with signed_in(pages, shop, customer("ana")) as browser:
        answer = await browser.post(f"{address_of(booked)}/delivery", data={"key": "k"})
    assert answer.status_code == 403
    assert "you can&#39;t deliver a shipment" in answer.text


async def test_forms_are_sent_from_our_own_pages_only(browser: httpx.AsyncClient, booked: UUID) -> None:
    answer = await browser.post(f"{address_of(booked)}/dispatch", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


# The list


async def test_the_list_has_what_is_to_pick_up_on_the_way_and_done(
    browser: httpx.AsyncClient, shop: ShopUnderTest, booked: UUID
) -> None:
    other = await shop.place({"pen": 1})
    await shop.run()
    await shop.dispatch(booked, 1)
    await shop.dispatch(other)
    await shop.deliver(other)
    to_pick_up = await _read(browser, "/courier")
    assert tabs(to_pick_up) == ["1", "1", "1"]
    for part, expected in (("pick-up", (booked, 2)), ("on-the-way", (booked, 1)), ("done", (other, 1))):
        page = await _read(browser, f"/courier?part={part}")
        listed = re.findall(r'href="(/courier/shipments/[^"]+)"', page)
        assert listed == [address_of(*expected)]
        assert f'part={part}" aria-current="page"' in page
    assert 'data-hx-sse:connect="/live?on=shipments"' in to_pick_up


async def test_what_was_delivered_long_ago_is_not_done_today(
    browser: httpx.AsyncClient, shop: ShopUnderTest, booked: UUID
) -> None:
    await shop.dispatch(booked)
    await shop.deliver(booked)
    await shop.execute("UPDATE shipments SET delivered_at = now() - interval '25 hours' WHERE number = 1")
    page = await _read(browser, "/courier?part=done")
    assert tabs(page) == ["1", "0", "0"]
    assert "Nothing was delivered within the last 24 hours." in page


async def test_the_list_is_filtered_by_warehouse(browser: httpx.AsyncClient, booked: UUID) -> None:
    page = await _read(browser, "/courier?part=pick-up&warehouse=west")
    assert re.findall(r'href="(/courier/shipments/[^"]+)"', page) == [address_of(booked, 2)]
    assert tabs(page) == ["1", "0", "0"]
    assert '<option value="west" selected>west</option>' in page
    assert "part=done&amp;warehouse=west" in page
    nowhere = await _read(browser, "/courier?warehouse=nowhere")
    assert "Nothing to load." in nowhere
    assert '<option value="nowhere" selected>' in nowhere


async def test_an_unknown_part_is_the_first(browser: httpx.AsyncClient, booked: UUID) -> None:
    assert 'part=pick-up" aria-current="page"' in await _read(browser, "/courier?part=elsewhere")


async def test_once_everything_is_loaded_the_run_begins_with_the_next_stop(
    browser: httpx.AsyncClient, shop: ShopUnderTest
) -> None:
    orders = []
    for code, street in (("20002", "2 Near Street"), ("90009", "9 Far Street"), ("20001", "1 Near Street")):
        where = {"name": "Ana", "line1": street, "postalCode": code, "city": "Town", "country": "US"}
        orders.append(await shop.place({"pen": 1}, shipping_address=where))
    await shop.run()
    for order in orders:
        assert 'part=pick-up" aria-current="page"' in await _read(browser, "/courier")
        await shop.dispatch(order)
    page = await _read(browser, "/courier")
    assert 'part=on-the-way" aria-current="page"' in page
    [following] = re.findall(r'<article class="card next-stop".*?</article>', page, re.DOTALL)
    assert "1 Near Street" in following
    assert "search?query=1%20Near%20Street" in following
    rest = page.split("</article>")[1]
    assert rest.index("2 Near Street") < rest.index("9 Far Street")
    assert re.findall(r'<span class="stop" aria-hidden="true">(\d+)<', page) == ["1", "2", "3"]
    await shop.deliver(orders[2])
    page = await _read(browser, "/courier")
    assert "1 of 3 delivered" in page
    assert re.findall(r'<span class="stop" aria-hidden="true">(\d+)<', page) == ["2", "3"]


# Picking up all that waits at a warehouse


def pickups(html: str) -> dict[str, dict[str, str]]:
    """By warehouse and the text of its button, the fields of each form that picks up what waits there."""
    forms = re.findall(r'<h2 [^>]*>([^<]+)</h2>.*?(<form class="load".*?<button class="main">([^<]+))', html, re.DOTALL)
    return {
        f"{where}: {button}": {name: hidden(form, name) for name in ("key", "shipments")}
        for where, form, button in forms
    }


async def test_what_waits_is_grouped_by_warehouse_and_picked_up_by_one_press(
    browser: httpx.AsyncClient, shop: ShopUnderTest, booked: UUID
) -> None:
    other = await shop.place({"pen": 1})
    await shop.run()
    forms = pickups(await _read(browser, "/courier"))
    assert list(forms) == ["east: Pick up all 2", "west: Pick up 1"]
    for _ in range(2):
        answer = await browser.post("/courier/pickup", data=forms["east: Pick up all 2"])
        assert (answer.status_code, answer.headers["location"]) == (303, "/courier?notice=picked-up")
    assert "Everything is picked up" in await _read(browser, "/courier?notice=picked-up")
    assert [each.status for each in (await shop.order(booked)).shipments] == ["DISPATCHED", "BOOKED"]
    for order in (booked, other):
        assert (await shop.events(order)).count("ShipmentDispatched") == 1


async def test_one_shipment_that_is_gone_stops_no_other(
    browser: httpx.AsyncClient, shop: ShopUnderTest, booked: UUID
) -> None:
    taken, cancelled = await shop.place({"pen": 1}, reference="R-8"), await shop.place({"pen": 1}, reference="R-9")
    await shop.run()
    fields = pickups(await _read(browser, "/courier"))["east: Pick up all 3"]
    await shop.dispatch(taken)
    await shop.cancel(cancelled)
    answer = await browser.post("/courier/pickup", data=fields)
    assert answer.status_code == 422
    told = re.sub(r"<[^>]+>", "", answer.text)
    assert "1 of 3 picked up" in told
    assert "Order R-8: The shipment is now Dispatched" in told
    assert "One shipment was cancelled or has failed, or it does not exist." in told
    assert (await shop.order(booked)).shipments[0].status == "DISPATCHED"
    assert (await shop.order(cancelled)).shipments[0].status == "CANCELLED"


async def test_a_courier_of_one_warehouse_picks_up_nothing_elsewhere(
    pages: Server, shop: ShopUnderTest, booked: UUID
) -> None:
    async with signed_in(pages, shop, Viewer("rui", Role.COURIER)) as browser:
        await shop.execute("UPDATE accounts SET warehouses = ARRAY['west'] WHERE role = 'COURIER'")
        ids = f"{shipment_id(booked, 1)} {shipment_id(booked, 2)}"
        answer = await browser.post("/courier/pickup", data={"key": "k", "shipments": ids})
    assert answer.status_code == 422
    assert "1 of 2 picked up" in answer.text
    assert [each.status for each in (await shop.order(booked)).shipments] == ["BOOKED", "DISPATCHED"]


async def scan(browser: httpx.AsyncClient, number: str) -> str:
    """Where the page's form leads."""
    html = await _read(browser, "/courier")
    answer = await browser.post("/courier/scan", data=read_form(html, "scan") | {"number": number})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def test_a_scanned_number_picks_up_what_waits_and_opens_what_is_on_the_way(
    browser: httpx.AsyncClient, shop: ShopUnderTest, booked: UUID
) -> None:
    number = (await shop.order(booked)).shipments[0].tracking_number or ""
    assert await scan(browser, f" {number.lower()} ") == "/courier?notice=scanned"
    assert [each.status for each in (await shop.order(booked)).shipments] == ["DISPATCHED", "BOOKED"]
    assert await scan(browser, number) == address_of(booked)
    assert (await shop.events(booked)).count("ShipmentDispatched") == 1
    page = await _read(browser, "/courier?notice=scanned")
    assert re.search(r'<input [^>]*id="number"[^>]* autofocus', page), "a scanner that types goes on at once"


@pytest.mark.parametrize("number", ["SBX0", "SBX'--", "x" * 500])
async def test_a_number_of_no_parcel_is_told_so(browser: httpx.AsyncClient, booked: UUID, number: str) -> None:
    assert await scan(browser, number) == "/courier?notice=unknown-number"
    assert "No parcel of yours has this number." in await _read(browser, "/courier?notice=unknown-number")


async def test_a_parcel_elsewhere_is_not_found_by_its_number(pages: Server, shop: ShopUnderTest, booked: UUID) -> None:
    numbers = [each.tracking_number or "" for each in (await shop.order(booked)).shipments]
    async with signed_in(pages, shop, Viewer("rui", Role.COURIER)) as browser:
        await shop.execute("UPDATE accounts SET warehouses = ARRAY['west'] WHERE role = 'COURIER'")
        found = [await scan(browser, number) for number in numbers]
    assert found == ["/courier?notice=unknown-number", "/courier?notice=scanned"]
    assert [each.status for each in (await shop.order(booked)).shipments] == ["BOOKED", "DISPATCHED"]


@pytest.mark.parametrize("shipments", ["", " ".join(f"shp_{number}" for number in range(41))])
async def test_none_and_too_many_are_refused(browser: httpx.AsyncClient, shop: ShopUnderTest, shipments: str) -> None:
    answer = await browser.post("/courier/pickup", data={"key": "k", "shipments": shipments})
    assert answer.status_code == 422
    assert "Pick up from 1 to 40 parcels at once." in answer.text


async def test_the_list_has_pages(
    browser: httpx.AsyncClient, shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "PAGE", 20)
    await shop.stock_up({"cup": {"east": 50}})
    for _ in range(21):
        await shop.place({"cup": 1})
    await shop.run()
    first = await _read(browser, "/courier?warehouse=east")
    seen = re.findall(r'href="(/courier/shipments/[^"]+)"', first)
    assert (len(seen), tabs(first)) == (20, ["21", "0", "0"])
    assert list(pickups(first)) == ["east: Pick up these 20"]
    [after] = re.findall(r'href="([^"]+)" rel="next">Next page', first)
    second = await _read(browser, after.replace("&amp;", "&"))
    rest = re.findall(r'href="(/courier/shipments/[^"]+)"', second)
    assert len({*seen, *rest}) == 21
    assert "Next page" not in second
    assert "First page" in second


async def test_a_cursor_that_is_none_is_refused(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    await _read(browser, "/courier?after=nonsense", 400)


# One shipment


async def test_a_shipment_shows_where_it_goes_and_what_is_in_it_but_no_price(
    browser: httpx.AsyncClient, shop: ShopUnderTest
) -> None:
    where = {"name": "Receiving desk", "line1": "1 Example Street", "postalCode": "12345", "city": "Exampletown"}
    order = await shop.place({"pen": 2}, reference="R-2", shipping_address=where)
    await shop.run()
    page = await _read(browser, address_of(order))
    for told in ("Order R-2", "Receiving desk", "1 Example Street", "12345 Exampletown", "pen", ">2<"):
        assert told in page
    assert "search?query=1%20Example%20Street%2C%2012345%2C%20Exampletown" in page
    for untold in ("USD", "$", "10.00", ">ana<"):
        assert untold not in page


async def test_who_carries_a_shipment_may_call_its_recipient_until_it_is_delivered(
    browser: httpx.AsyncClient, shop: ShopUnderTest
) -> None:
    order = await shop.place({"pen": 2}, phone="+351912345678")
    await shop.run()
    for step in (None, shop.dispatch):
        if step:
            await step(order)
        assert 'href="tel:+351912345678"' in await _read(browser, address_of(order))
    await shop.deliver(order)
    assert "tel:" not in await _read(browser, address_of(order))


async def test_what_the_script_says_is_in_the_reader_s_language(browser: httpx.AsyncClient, booked: UUID) -> None:
    german = await browser.get(address_of(booked), headers={"Accept-Language": "de"})
    for told in ("Abholung der Bestellung R-1", "{label}: wartet auf das Senden", "Vor {age} auf diesem Gerät"):
        assert told in german.text


async def test_a_shipment_without_an_address_says_so(browser: httpx.AsyncClient, booked: UUID) -> None:
    page = await _read(browser, address_of(booked))
    assert "No address" in page
    assert "openstreetmap" not in page


@pytest.mark.parametrize("unknown", ["shp_0123", "nonsense", "shp_" + "0" * 32 + "_1"])
async def test_there_is_no_such_shipment(browser: httpx.AsyncClient, shop: ShopUnderTest, unknown: str) -> None:
    assert "No longer assigned to you" in await _read(browser, f"/courier/shipments/{unknown}", 404)
    answer = await browser.post(f"/courier/shipments/{unknown}/dispatch", data={"key": "k"})
    assert answer.status_code == 404


async def test_what_is_not_booked_yet_is_not_shown(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    order = await shop.place({"pen": 1})
    await _read(browser, address_of(order), 404)


async def test_dispatch_then_deliver(browser: httpx.AsyncClient, shop: ShopUnderTest, booked: UUID) -> None:
    address = address_of(booked)
    page = await _read(browser, address)
    assert 'data-after="' in page  # Deliver is offered by the script only, once Dispatch waits to be sent
    answer = await _press(browser, address, "dispatch")
    assert (answer.status_code, answer.headers["location"]) == (303, address)
    page = await _read(browser, address)
    assert 'data-announce="Order R-1: Dispatched"' in page
    assert ">Pick up</button>" not in page
    assert "data-after" not in page
    assert (await _press(browser, address, "delivery")).status_code == 303
    page = await _read(browser, address)
    assert 'data-announce="Order R-1: Delivered"' in page
    assert 'class="dock act"' not in page
    assert "Report a failure" not in page
    assert (await shop.events(booked)).count("ShipmentDelivered") == 1


async def test_pressed_twice_it_happens_once_and_looks_the_same(
    browser: httpx.AsyncClient, shop: ShopUnderTest, booked: UUID
) -> None:
    address = address_of(booked)
    fields = read_form(await _read(browser, address), "dispatch")
    for _ in range(3):
        answer = await browser.post(f"{address}/dispatch", data=fields)
        assert (answer.status_code, answer.headers["location"]) == (303, address)
    assert (await shop.events(booked)).count("ShipmentDispatched") == 1


async def test_a_press_that_waited_is_sent_after_the_next_was_done(
    browser: httpx.AsyncClient, shop: ShopUnderTest, booked: UUID
) -> None:
    """As after a connection that was lost before the answer: the first is sent again, then the second."""
    address = address_of(booked)
    page = await _read(browser, address)
    dispatch, delivery = read_form(page, "dispatch"), read_form(page, "delivery")
    for noun, fields in (("dispatch", dispatch), ("delivery", delivery)) * 2:
        assert (await browser.post(f"{address}/{noun}", data=fields)).status_code == 303
    types = await shop.events(booked)
    assert (types.count("ShipmentDispatched"), types.count("ShipmentDelivered")) == (1, 1)


async def test_who_comes_second_is_told_what_has_become_of_it(
    browser: httpx.AsyncClient, shop: ShopUnderTest, booked: UUID
) -> None:
    address = address_of(booked)
    fields = read_form(await _read(browser, address), "dispatch")
    await shop.dispatch(booked)
    answer = await browser.post(f"{address}/dispatch", data=fields)
    assert answer.status_code == 422
    assert "Nothing was changed, because somebody else was faster." in answer.text
    assert "Dispatched" in answer.text
    assert "BOOKED" not in re.sub(r"<[^>]+>", "", answer.text)
    assert 'action="/courier/shipments' in answer.text  # and Deliver is there to be pressed
    assert (await shop.events(booked)).count("ShipmentDispatched") == 1


async def test_a_courier_learns_that_a_shipment_was_cancelled(
    browser: httpx.AsyncClient, shop: ShopUnderTest, booked: UUID
) -> None:
    address = address_of(booked)
    fields = read_form(await _read(browser, address), "dispatch")
    await shop.cancel(booked)
    answer = await browser.post(f"{address}/dispatch", data=fields)
    assert answer.status_code == 422
    assert "somebody else was faster" in answer.text
    assert "No longer assigned to you" in answer.text
    await _read(browser, address, 404)


async def test_a_failure_needs_a_reason(browser: httpx.AsyncClient, shop: ShopUnderTest, booked: UUID) -> None:
    address = address_of(booked)
    fields = read_form(await _read(browser, address), "failure")
    too_long = "<i>" * 200
    for reason, told in (("  ", "reason must not be empty."), (too_long, "at most 500 are allowed")):
        answer = await browser.post(f"{address}/failure", data=fields | {"reason": reason})
        assert answer.status_code == 422
        assert told in answer.text
        assert '<details class="card failure" open>' in answer.text
        assert 'aria-describedby="reason-for-ever reason-refusal"' in answer.text
        assert hidden(answer.text, "reason") == reason
    assert (await shop.order(booked)).shipments[0].status == "BOOKED"


@pytest.mark.parametrize("is_under_way", [False, True])
async def test_a_failure_ends_the_shipment_and_the_list_says_so(
    browser: httpx.AsyncClient, shop: ShopUnderTest, booked: UUID, is_under_way: bool
) -> None:
    address = address_of(booked)
    if is_under_way:
        await shop.dispatch(booked)
    fields = read_form(await _read(browser, address), "failure") | {"reason": "Nobody was there"}
    answers = [await browser.post(f"{address}/failure", data=fields) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    page = await _read(browser, answers[-1].headers["location"])
    assert "The failure was reported" in page
    assert address not in page
    trail = await shop.rows("SELECT reason FROM order_events WHERE type = 'ShipmentFailed'")
    assert trail == [("Nobody was there",)]


async def test_a_parcel_that_nobody_took_is_tried_again_tomorrow_at_most_three_times(
    browser: httpx.AsyncClient, pages: Server, shop: ShopUnderTest, booked: UUID
) -> None:
    address = address_of(booked)
    assert "Try again tomorrow" not in await _read(browser, address)
    await shop.dispatch(booked)
    for attempt in (1, 2):
        fields = read_form(await _read(browser, address), "failure") | {"reason": "Nobody was there", "then": "again"}
        for _ in range(2):
            answer = await browser.post(f"{address}/failure", data=fields)
            assert (answer.status_code, answer.headers["location"]) == (303, "/courier?notice=again-tomorrow")
        assert (await shop.events(booked)).count("DeliveryAttempted") == attempt
    assert "you try again tomorrow" in await _read(browser, "/courier?part=on-the-way&notice=again-tomorrow")
    shipment = (await shop.order(booked)).shipments[0]
    assert (shipment.status, shipment.attempts) == ("DISPATCHED", 2)
    page = await _read(browser, address)
    assert "Try again tomorrow" not in page
    answer = await browser.post(
        f"{address}/failure", data=read_form(page, "failure") | {"reason": "x", "then": "again"}
    )
    assert answer.status_code == 422
    assert "This was attempt 3 of 3: report the shipment as failed." in answer.text
    assert "somebody else was faster" not in answer.text
    async with signed_in(pages, shop, Viewer("sam", Role.SUPPORT)) as support:
        told = await _read(support, f"/support/orders/{order_id(booked)}")
    assert "Shipment 1 could not be delivered, attempt 2: Nobody was there." in told
    async with signed_in(pages, shop, customer("ana")) as ana:
        told = await _read(ana, f"/orders/{order_id(booked)}")
    assert "The courier could not deliver parcel 1 today and tries again the next day. Nobody was there." in told


async def test_what_was_tried_today_is_the_last_stop(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    near, far = {"line1": "Near", "postalCode": "1"}, {"line1": "Far", "postalCode": "9"}
    tried, other = [await shop.place({"pen": 1}, shipping_address=where) for where in (near, far)]
    await shop.run()
    for order in (tried, other):
        await shop.dispatch(order)
    assert (page := await _read(browser, "/courier")).index("Near") < page.index("Far")
    await shop.try_again(tried)
    assert (page := await _read(browser, "/courier")).index("Far") < page.index("Near")
    assert "Nobody could take it" in page


# What the script relies on


async def test_the_worker_is_at_the_root_and_looked_for_anew(pages: Server) -> None:
    async with visiting(pages) as nobody:
        answer = await nobody.get("/courier-worker.js")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-cache"
    assert "connect-src 'self'" in answer.headers["content-security-policy"]


async def test_pages_name_the_courier_whose_actions_are_queued(browser: httpx.AsyncClient, booked: UUID) -> None:
    for address in ("/courier", address_of(booked)):
        assert '<meta name="courier" content="demo courier">' in await _read(browser, address)


async def test_without_a_session_a_press_is_sent_to_the_start_and_not_lost(
    browser: httpx.AsyncClient, shop: ShopUnderTest, booked: UUID
) -> None:
    address = address_of(booked)
    fields = read_form(await _read(browser, address), "dispatch")
    await browser.post("/sign-out")
    answer = await browser.post(f"{address}/dispatch", data=fields)
    assert answer.headers["location"] == f"/?next={address}"
    await browser.post("/sign-in", data={"persona": "courier"})
    answer = await browser.post(f"{address}/dispatch", data=fields)
    assert answer.headers["location"] == address
    assert (await shop.order(booked)).shipments[0].status == "DISPATCHED"
