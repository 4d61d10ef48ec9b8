"""The time from one person's click until another person's page shows the change, in real browsers."""

from pathlib import Path
from statistics import quantiles
from typing import Final

from playwright.async_api import Browser, Page

from tests.system.browser.elsewhere import Elsewhere
from tests.system.browser.tour import Scene, signed_in

ORDERS: Final = 30
GOAL_P50_MS: Final = 250

_WHEN_IT_SAYS: Final = """words => new Promise(resolve => {
  const standing = () => document.querySelector("#page .shipment header .status").textContent;
  const look = () => standing().includes(words) && (observer.disconnect(), resolve(Date.now()));
  const observer = new MutationObserver(look);
  observer.observe(document.body, { subtree: true, childList: true, characterData: true });
  look();
})"""
_PRESS: Final = """name => {
  const button = [...document.querySelectorAll(".act button")].find(each => each.textContent === name);
  button.click();
  return Date.now();
}"""


async def live_delays(browser: Browser, elsewhere: Elsewhere, _: Scene, __: Path) -> None:
    """Milliseconds from the click to the text in the document, by the machine's clock."""
    async with (
        await browser.new_context(base_url=elsewhere.url) as at_home,
        await browser.new_context(base_url=elsewhere.url) as at_the_van,
    ):
        customer = await signed_in(at_home, elsewhere, "customer")
        courier = await signed_in(at_the_van, elsewhere, "courier")
        figures_ms: list[float] = []
        for _number in range(ORDERS):
            order = await elsewhere.booked({"COFFEE-1KG": 1})
            await customer.goto(f"/orders/{order['id']}")
            await courier.goto(f"/courier/shipments/{order['shipments'][0]['id']}")
            await customer.wait_for_timeout(600)
            figures_ms.append(await _delay_ms(customer, courier, "Pick up", "On its way"))
            await courier.locator(".act button:not([data-settling])", has_text="Deliver").wait_for()
            figures_ms.append(await _delay_ms(customer, courier, "Deliver", "Delivered"))
    cuts = quantiles(figures_ms, n=100, method="inclusive")
    print(f"press to changed page: n {len(figures_ms)}, p50 {cuts[49]:.0f} ms of {GOAL_P50_MS}, p99 {cuts[98]:.0f} ms")


async def _delay_ms(customer: Page, courier: Page, button: str, words: str) -> float:
    await customer.evaluate(f"words => {{ window.seen = ({_WHEN_IT_SAYS})(words); }}", words)
    pressed_at = await courier.evaluate(_PRESS, button)
    return float(await customer.evaluate("window.seen") - pressed_at)
