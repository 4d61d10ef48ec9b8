"""The list of orders in a real browser: keys, chosen rows and focus through live updates, and what came in."""

import re

from playwright.async_api import expect

from tests.system.browser.conftest import Visit
from tests.system.browser.elsewhere import Elsewhere

LIVE_WITHIN_MS = 5_000
"""Lists are refreshed every 2 s at most; here two cores also run two browsers and the database."""

COUNT_DIMMED = """() => {
  globalThis.dimmed = 0;
  new MutationObserver(() => {
    for (const button of document.querySelectorAll("button, .button")) {
      if (getComputedStyle(button).opacity < 1) globalThis.dimmed += 1;
    }
  }).observe(document.body, { subtree: true, attributes: true, attributeFilter: ["class"] });
}"""


async def test_keys_choose_rows_and_what_comes_in_waits_above_the_list(visit: Visit, elsewhere: Elsewhere) -> None:
    first, second = [await elsewhere.booked({"COFFEE-1KG": 1}) for _ in range(2)]
    support = await visit("support")
    await support.goto("/support")
    await support.evaluate(COUNT_DIMMED)
    for key in "jjx":
        await support.keyboard.press(key)
    chosen, focused = support.get_by_label(f"Choose order {first['reference']}"), f"/support/orders/{first['id']}"
    await expect(chosen).to_be_checked()
    await expect(support.get_by_role("group", name="With the chosen orders")).to_be_visible()

    late = await elsewhere.booked({"COFFEE-1KG": 1})
    await elsewhere.dispatch(second["shipments"][0]["id"])
    news = support.get_by_role("link", name=re.compile("came in since you opened this list"))
    await expect(news).to_be_visible(timeout=LIVE_WITHIN_MS)
    row = support.get_by_role("row", name=re.compile(second["reference"]))
    await expect(row).to_contain_text("Courier delivers", timeout=LIVE_WITHIN_MS)
    await expect(support.get_by_text(late["reference"])).to_have_count(0)
    await expect(chosen).to_be_checked()
    assert await support.evaluate("document.activeElement.getAttribute('href')") == focused, "the focus stays"
    assert await support.evaluate("globalThis.dimmed") == 0, "a refresh dims no button"

    await news.click()
    await expect(support.get_by_text(late["reference"])).to_be_visible()
    await support.keyboard.press("j")
    await support.keyboard.press("Enter")
    await support.wait_for_url(f"**/support/orders/{late['id']}")


async def test_without_javascript_chosen_orders_are_cancelled_each_with_its_result(
    visit: Visit, elsewhere: Elsewhere
) -> None:
    sent, waiting = [await elsewhere.booked({"COFFEE-1KG": 1}) for _ in range(2)]
    support = await visit("support", java_script_enabled=False)
    await support.goto("/support")
    for order in (sent, waiting):
        await support.get_by_label(f"Choose order {order['reference']}").check()
    await support.get_by_role("group", name="With the chosen orders").get_by_role("button", name="Cancel").click()
    await elsewhere.dispatch(sent["shipments"][0]["id"])
    await support.get_by_role("button", name="Cancel 2 orders").click()
    results = support.get_by_role("table", name="What came of each order")
    await expect(results.get_by_role("row", name=re.compile(waiting["reference"]))).to_contain_text("Cancelled")
    await expect(results.get_by_role("row", name=re.compile(sent["reference"]))).to_contain_text("already on its way")


async def test_a_busy_list_is_refreshed_at_most_every_two_seconds(visit: Visit, elsewhere: Elsewhere) -> None:
    support = await visit("support")
    await support.goto("/support")
    await support.wait_for_timeout(2_500)
    refreshes: list[str] = []
    support.on("request", lambda request: refreshes.append(request.url) if "since=" in request.url else None)
    for _ in range(16):  # four changes a second
        await elsewhere.place({"COFFEE-1KG": 1})
        await support.wait_for_timeout(250)
    assert 1 <= len(refreshes) <= 4
