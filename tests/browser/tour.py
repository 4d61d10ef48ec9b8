"""Every page, in every state worth a look: the one list that tests and measures go through."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from playwright.async_api import Browser, BrowserContext, Page

from tests.browser.chromium import DESKTOP, PATIENCE_MS
from tests.browser.elsewhere import Elsewhere

Scene = dict[str, Any]
"""Orders by what became of them, as `Elsewhere.order` returns them."""

Preparation = Callable[[Page], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Stop:
    """A page in a state. `address` may name orders of the scene: `{booked[id]}`; `prepare` goes on from there."""

    name: str
    persona: str | None
    address: str
    prepare: Preparation | None = None


async def set_scene(elsewhere: Elsewhere) -> Scene:
    """Orders of the demo customer, one for each state that looks different."""
    booked = await elsewhere.booked({"TRAINERS": 1, "COFFEE-1KG": 2})
    split = await elsewhere.booked({"TRAINERS": 1, "BOOK-ATLAS": 1})
    under_way = await elsewhere.booked({"COFFEE-1KG": 1})
    delivered = await elsewhere.booked({"KETTLE": 1})
    for order in (under_way, delivered):
        await elsewhere.dispatch(order["shipments"][0]["id"])
    await elsewhere.deliver(delivered["shipments"][0]["id"])
    amended = await elsewhere.place({"COFFEE-1KG": 1, "POSTER": 1})
    declined = await elsewhere.place({"COFFEE-1KG": 1}, paymentMethod="sandbox-declined")
    cancelled = await elsewhere.booked({"LAMP-DESK": 1})
    await elsewhere.act("customer", f'cancelOrder(orderId: "{cancelled["id"]}", reason: "Ordered twice")')
    return {
        "booked": booked,
        "split": split,
        "under_way": await elsewhere.order(under_way["id"]),
        "delivered": await elsewhere.until(delivered["id"], "COMPLETED"),
        "amended": await elsewhere.until(amended, "CUSTOMER_ACTION_REQUIRED"),
        "declined": await elsewhere.until(declined, "FAILED"),
        "cancelled": await elsewhere.order(cancelled["id"]),
    }


async def _unfold(page: Page) -> None:
    """Everything that is folded away is opened."""
    await page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")


async def _wrong_token(page: Page) -> None:
    await page.get_by_label("Token").fill("nobody's")
    await page.get_by_role("button", name="Sign in with it").click()
    await page.get_by_role("alert").wait_for()


STOPS: Final = (
    Stop("start", None, "/"),
    Stop("start-refused", None, "/", _wrong_token),
)


@asynccontextmanager
async def arrived(
    browser: Browser, elsewhere: Elsewhere, scene: Scene, stop: Stop, **options: Any
) -> AsyncIterator[Page]:
    """The stop in a browser that was never here before, prepared."""
    context = await browser.new_context(**{"viewport": DESKTOP, "base_url": elsewhere.url, **options})
    async with context:
        page = await signed_in(context, elsewhere, stop.persona)
        await page.goto(stop.address.format(**scene), wait_until="load")
        if stop.prepare:
            await stop.prepare(page)
        yield page


async def signed_in(context: BrowserContext, elsewhere: Elsewhere, persona: str | None) -> Page:
    """An empty page of a browser that holds the persona's session already."""
    context.set_default_timeout(PATIENCE_MS)
    if persona:
        token = await elsewhere.token(persona)
        await context.add_cookies([{"name": "oms_session", "value": token, "url": elsewhere.url}])
    return await context.new_page()
