"""A manager's and support's work in real browsers, seen live by others."""

import re

from playwright.async_api import Page, expect

from tests.system.browser.chromium import PHONE
from tests.system.browser.conftest import Visit
from tests.system.browser.elsewhere import Elsewhere

LIVE_WITHIN_MS = 5_000
"""The goal of 1 s is measured by benchmarks; here two cores also run two browsers, the database and other tests."""


async def change(manager: Page, link: str, button: str | re.Pattern[str]) -> None:
    """From the overview to a change's page, where it is confirmed."""
    await manager.goto("/manager")
    await manager.get_by_role("link", name=link).click()
    await manager.get_by_role("button", name=button).click()
    await manager.wait_for_url("**/manager")


async def test_managers_see_each_others_changes_of_fraud_control(visit: Visit) -> None:
    one, other = await visit("manager"), await visit("manager", viewport=PHONE)
    for manager in (one, other):
        await manager.goto("/manager")
    await one.get_by_role("link", name="Set a limit").click()
    await one.get_by_label("New limit").fill("1,250.50")
    await one.get_by_role("button", name="Continue").click()
    await one.get_by_role("button", name="Set the limit to $1,250.50").click()
    await expect(other.get_by_role("table", name="Changes")).to_contain_text("$1,250.50", timeout=LIVE_WITHIN_MS)
    await expect(other.locator("#announcer")).to_contain_text("$1,250.50")

    await change(one, "Turn it on", "Turn maintenance on")
    await expect(other.get_by_role("link", name="Turn it off")).to_be_visible(timeout=LIVE_WITHIN_MS)
    await change(other, "Reset", "Reset")
    await expect(one.get_by_role("link", name="Turn it on")).to_be_visible(timeout=LIVE_WITHIN_MS)
    await expect(one.get_by_role("link", name="Set a limit")).to_be_visible()

    await one.goto("/manager/clearing")
    await one.get_by_label("Why").fill("A new month begins")
    await one.get_by_role("button", name="Clear spending").click()
    await expect(other.get_by_role("table", name="Changes")).to_contain_text(
        "A new month begins", timeout=LIVE_WITHIN_MS
    )


async def test_a_malformed_limit_is_refused_at_its_field(visit: Visit) -> None:
    manager = await visit("manager")
    await manager.goto("/manager/spending-limit")
    field = manager.get_by_label("New limit")
    await field.fill("plenty")
    await manager.get_by_role("button", name="Continue").click()
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(field).to_have_value("plenty")


async def test_of_two_concurrent_counts_the_second_is_refused(visit: Visit, elsewhere: Elsewhere) -> None:
    one, other = await visit("manager"), await visit("manager")
    for manager in (one, other):
        await manager.goto("/manager/stock")
        await manager.get_by_role("link", name="LAMP-DESK").click()
    count = other.get_by_label("Counted in Western warehouse")
    await count.fill("77")
    await one.get_by_label("Counted in Western warehouse").fill("88")
    await one.get_by_role("button", name="Set the count of Western warehouse").click()
    await expect(one.get_by_role("row", name=re.compile("Western"))).to_contain_text("88")
    await other.get_by_role("button", name="Set the count of Western warehouse").click()
    await expect(count).to_have_attribute("aria-invalid", "true")
    await expect(count).to_have_value("77")
    await other.get_by_role("button", name="Set the count of Western warehouse").click()
    await expect(other.get_by_role("row", name=re.compile("Western")).get_by_role("cell").nth(1)).to_have_text("77")


async def test_without_javascript_a_manager_adds_a_product_and_sets_a_limit(visit: Visit, elsewhere: Elsewhere) -> None:
    manager = await visit("manager", java_script_enabled=False)
    await manager.get_by_role("link", name="Inventory", exact=True).click()
    await manager.get_by_role("link", name="New product").click()
    await manager.get_by_label("SKU").fill("SCARF")
    await manager.get_by_label("Name").fill("Scarf, green")
    await manager.get_by_label("Price").fill("24.90")
    await manager.get_by_role("button", name="Add product").click()
    await expect(manager.get_by_role("heading", level=1)).to_contain_text("Scarf, green")
    await manager.get_by_label("Counted in Eastern warehouse").fill("5")
    await manager.get_by_role("button", name="Set the count of Eastern warehouse").click()
    await expect(manager.get_by_role("row", name=re.compile("Eastern"))).to_contain_text("5")
    await elsewhere.booked({"SCARF": 1})


async def test_the_operations_page_shows_every_queue_with_its_workers(visit: Visit) -> None:
    manager = await visit("manager")
    await manager.get_by_role("link", name="Operations").click()
    await expect(manager.get_by_text("Every queue has a worker.")).to_be_visible()
    for queue in ("allocation", "billing", "booking", "deadlines"):
        row = manager.get_by_role("table", name="Queues").get_by_role("row", name=re.compile(queue))
        await expect(row.get_by_role("cell").nth(1)).to_have_text("1")
        await row.get_by_role("link", name=queue).click()
        await expect(manager.get_by_role("heading", name=f"The last hours of {queue}")).to_be_visible()


async def test_support_finds_an_order_and_follows_its_timeline_live(visit: Visit, elsewhere: Elsewhere) -> None:
    booked = await elsewhere.booked({"COFFEE-1KG": 1})
    shipment = booked["shipments"][0]
    support = await visit("support")
    await support.get_by_role("searchbox", name="Search all orders").fill(shipment["trackingNumber"])
    await support.keyboard.press("Enter")
    await support.wait_for_url(f"**/support/orders/{booked['id']}")  # the only one that is found
    await elsewhere.dispatch(shipment["id"])
    trail = support.get_by_role("list", name="Events, newest first")
    newest = trail.get_by_role("listitem").filter(has=support.get_by_role("time")).first
    await expect(newest).to_contain_text("ShipmentDispatched", timeout=LIVE_WITHIN_MS)
    await expect(newest).to_contain_text("demo courier (courier)")

    card = support.get_by_role("article", name="Shipment 1")
    await card.get_by_text("Report as failed …").click()
    await card.get_by_label("Reason").fill("Nobody was there")
    await card.get_by_role("button", name="Report as failed").click()
    await expect(trail).to_contain_text("Nobody was there", timeout=LIVE_WITHIN_MS)
    await elsewhere.until(booked["id"], "FAILED")


async def test_support_retries_a_stuck_job(visit: Visit, elsewhere: Elsewhere) -> None:
    parked = await elsewhere.parked({"COFFEE-1KG": 1})
    support = await visit("support")
    await support.get_by_role("link", name="Stuck jobs").click()
    work = support.get_by_role("article").filter(has_text=parked["reference"])
    await expect(work).to_contain_text("The billing system does not answer.")
    await work.get_by_text("Retry …").click()
    await work.get_by_role("button", name="Retry now").click()
    await elsewhere.until(parked["id"], "PROCESSING", shipments="BOOKED")
    await expect(work).to_be_hidden()


async def test_support_gives_up_a_stuck_job_for_a_reason_that_the_customer_reads(
    visit: Visit, elsewhere: Elsewhere
) -> None:
    parked = await elsewhere.parked({"COFFEE-1KG": 1})
    customer, support = await visit("customer"), await visit("support", java_script_enabled=False)
    await customer.goto(f"/orders/{parked['id']}")
    await support.goto(f"/support/orders/{parked['id']}")
    await support.get_by_text("Give up …").click()
    await support.get_by_label("Reason").locator("visible=true").fill("The card's bank is closed")
    await support.get_by_role("button", name="Give up").click()
    await expect(customer.locator(".standing")).to_contain_text("Could not be sent", timeout=LIVE_WITHIN_MS)
    await expect(customer.locator("main")).to_contain_text("The card's bank is closed")


async def test_from_an_order_to_its_query_in_graphiql_without_a_token(visit: Visit, elsewhere: Elsewhere) -> None:
    booked = await elsewhere.booked({"COFFEE-1KG": 1})
    support = await visit("support")
    await support.goto(f"/support/orders/{booked['id']}")
    await support.get_by_text("More", exact=True).click()
    await support.get_by_role("link", name="Query this order in GraphiQL").click()
    await support.get_by_role("button", name=re.compile("Execute")).click()
    await expect(support.locator(".result-window")).to_contain_text(booked["reference"])
