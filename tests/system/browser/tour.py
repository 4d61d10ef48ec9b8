"""Every page in each of its important states: one list for tests and measurements."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from playwright.async_api import Browser, BrowserContext, Page

from tests.system.browser.chromium import DESKTOP, TIMEOUT_MS
from tests.system.browser.elsewhere import Elsewhere

Scene = dict[str, Any]
"""Orders by their state, as `Elsewhere.order` returns them."""

SETTINGS: Final = {"OMS_AMENDMENT_TIMEOUT_S": "3600", "OMS_SECOND_PERSON_ERASURES": "true", "OMS_COURIER_UNDO_S": "0"}
"""Of the instance: customers have time to answer, and something waits to be confirmed."""

_ERASE: Final = """mutation { eraseCustomer(reference: "demo-neighbour", reason: "Asked for it by mail") {
  userErrors { message } } }"""

Preparation = Callable[[Page], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Stop:
    """A page in a state. `address` may refer to orders of the scene: `{booked[id]}`; `prepare` continues from there."""

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
    nothing = await elsewhere.place({"POSTER": 1})
    declined = await elsewhere.place({"COFFEE-1KG": 1}, paymentMethod="sandbox-declined")
    cancelled = await elsewhere.booked({"LAMP-DESK": 1})
    await elsewhere.act("customer", f'cancelOrder(orderId: "{cancelled["id"]}", reason: "Ordered twice")')
    unwanted = await elsewhere.booked({"LAMP-DESK": 1})
    await elsewhere.act("support", f'addNote(orderId: "{split["id"]}", text: "Called, no answer.")')
    asked = await elsewhere.ask("manager", _ERASE)
    assert asked["eraseCustomer"]["userErrors"], "it waits for a second person"
    return {
        "booked": booked,
        "split": split,
        "under_way": await elsewhere.order(under_way["id"]),
        "delivered": await elsewhere.until(delivered["id"], "COMPLETED"),
        "amended": await elsewhere.until(amended, "CUSTOMER_ACTION_REQUIRED"),
        "nothing": await elsewhere.until(nothing, "CUSTOMER_ACTION_REQUIRED"),
        "declined": await elsewhere.until(declined, "FAILED"),
        "cancelled": await elsewhere.order(cancelled["id"]),
        "unwanted": unwanted,
        "parked": await elsewhere.parked({"COFFEE-1KG": 1}),
        "customer": booked["customer"]["id"],
    }


async def _unfold(page: Page) -> None:
    """Opens all details elements of the page, not the menus of the bar."""
    await page.evaluate("for (const details of document.querySelectorAll('#page details')) details.open = true")


async def _wrong_password(page: Page) -> None:
    await page.get_by_label("Login").fill("nobody")
    await page.get_by_label("Password").fill("nobody's")
    await page.get_by_role("button", name="Sign in", exact=True).click()
    await page.get_by_role("alert").wait_for()


async def _open_first_person(page: Page) -> None:
    await page.locator("table.list tbody a").first.click()
    await page.get_by_role("heading", name="Name and role").wait_for()


async def _new_password(page: Page) -> None:
    """Of somebody new, as that of a persona would end its session."""
    await page.get_by_label("Name").fill("New Colleague")
    await page.get_by_label("Login").fill(f"new-{uuid4().hex[:8]}")
    await page.get_by_label("Role").select_option("SUPPORT")
    await page.get_by_role("button", name="Add").click()
    await page.get_by_role("heading", name="New password").wait_for()


async def _quoted(page: Page) -> None:
    await page.get_by_label("Coffee beans").fill("2")
    await page.get_by_label("Coffee beans").press("Tab")
    await page.get_by_role("row", name="Total").wait_for()


async def _cancelled(page: Page) -> None:
    """Once: afterwards, the page says that nothing can be cancelled any more."""
    button = page.locator("form button.danger")
    if await button.count():
        await button.click()
        await page.get_by_role("heading", name="Cancelled: 1 of 1").wait_for()


async def _session_ended(page: Page) -> None:
    await page.context.add_cookies([{"name": "oms_session", "value": "ended", "url": page.url}])
    await page.reload()
    await page.get_by_text("Your session has ended").first.wait_for()


async def _empty_checkout(page: Page) -> None:
    await page.get_by_role("button", name="Place the order").click()
    await page.get_by_role("alert").first.wait_for()


STOPS: Final = (
    Stop("start", None, "/"),
    Stop("start-refused", None, "/", _wrong_password),
    Stop("start-for-a-page", None, "/support/parked"),
    Stop("start-session-ended", None, "/support/parked", _session_ended),
    Stop("page-unknown", None, "/nowhere"),
    Stop("orders", "customer", "/orders"),
    Stop("orders-none", "customer", "/orders?status=TIMED_OUT"),
    Stop("order-new", "customer", "/orders/new"),
    Stop("order-new-quoted", "customer", "/orders/new", _quoted),
    Stop("order-new-refused", "customer", "/orders/new", _empty_checkout),
    Stop("order-placed", "customer", "/orders/{booked[id]}?placed=1", _unfold),
    Stop("order-split", "customer", "/orders/{split[id]}"),
    Stop("order-under-way", "customer", "/orders/{under_way[id]}"),
    Stop("order-completed", "customer", "/orders/{delivered[id]}"),
    Stop("order-amended", "customer", "/orders/{amended[id]}", _unfold),
    Stop("order-nothing-available", "customer", "/orders/{nothing[id]}"),
    Stop("order-failed", "customer", "/orders/{declined[id]}"),
    Stop("order-cancelled", "customer", "/orders/{cancelled[id]}"),
    Stop("order-unknown", "customer", "/orders/none"),
    Stop("order-forbidden", "customer", "/manager"),
    Stop("courier", "courier", "/courier"),
    Stop("courier-unknown", "courier", "/courier/nowhere"),
    Stop("courier-on-the-way", "courier", "/courier?part=on-the-way"),
    Stop("courier-done", "courier", "/courier?part=done"),
    Stop("courier-none", "courier", "/courier?part=done&warehouse=WEST"),
    Stop("courier-booked", "courier", "/courier/shipments/{booked[shipments][0][id]}"),
    Stop("courier-failure", "courier", "/courier/shipments/{booked[shipments][0][id]}", _unfold),
    Stop("courier-dispatched", "courier", "/courier/shipments/{under_way[shipments][0][id]}"),
    Stop("courier-delivered", "courier", "/courier/shipments/{delivered[shipments][0][id]}"),
    Stop("courier-offline", "courier", "/courier/offline"),
    Stop("courier-gone", "courier", "/courier/shipments/{cancelled[shipments][0][id]}"),
    Stop("support-home", "support", "/home"),
    Stop("support", "support", "/support"),
    Stop("support-view", "support", "/support?view=awaiting&status=CUSTOMER_ACTION_REQUIRED&from=2020-01-01", _unfold),
    Stop("support-nothing", "support", "/support?view=completed&status=PENDING"),
    Stop("support-chosen-cancel", "support", "/support/chosen?do=cancel&order={booked[id]}&order={delivered[id]}"),
    Stop("support-chosen-retry", "support", "/support/chosen?do=retry&stuck=all"),
    Stop("support-chosen-results", "support", "/support/chosen?do=cancel&order={unwanted[id]}", _cancelled),
    Stop("support-refused", "support", "/support?from=yesterday"),
    Stop("support-unknown", "support", "/support/orders/none"),
    Stop("support-found", "support", "/support?q={booked[reference]}"),
    Stop("support-not-found", "support", "/support?q=nothing-like-this"),
    Stop("support-order", "support", "/support/orders/{split[id]}"),
    Stop("support-order-unfolded", "support", "/support/orders/{booked[id]}", _unfold),
    Stop("support-order-amended", "support", "/support/orders/{amended[id]}"),
    Stop("support-order-parked", "support", "/support/orders/{parked[id]}", _unfold),
    Stop("support-parked", "support", "/support/parked"),
    Stop("support-customer", "support", "/support/customers/{customer}"),
    Stop("support-approvals", "support", "/approvals"),
    Stop("account", "support", "/account"),
    Stop("manager-home", "manager", "/home"),
    Stop("manager", "manager", "/manager"),
    Stop("manager-limit", "manager", "/manager/spending-limit"),
    Stop("manager-limit-confirm", "manager", "/manager/spending-limit?amount=250"),
    Stop("manager-limit-refused", "manager", "/manager/spending-limit?amount=much"),
    Stop("manager-maintenance", "manager", "/manager/maintenance?to=on"),
    Stop("manager-reset", "manager", "/manager/reset"),
    Stop("manager-clearing", "manager", "/manager/clearing"),
    Stop("manager-stock", "manager", "/manager/stock"),
    Stop("manager-stock-none", "manager", "/manager/stock?search=nothing-like-this"),
    Stop("manager-product", "manager", "/manager/stock/product?sku=KETTLE"),
    Stop("manager-product-new", "manager", "/manager/stock/products/new"),
    Stop("manager-warehouses", "manager", "/manager/stock/warehouses"),
    Stop("manager-operations", "manager", "/manager/operations"),
    Stop("manager-audit", "manager", "/manager/audit"),
    Stop("manager-settings", "manager", "/settings"),
    Stop("manager-shop", "manager", "/settings/shop"),
    Stop("manager-audit-filtered", "manager", "/manager/audit?action=SIGNED_IN&from=2020-01-01&actor=demo+support"),
    Stop("manager-audit-nothing", "manager", "/manager/audit?subject=nothing-like-this"),
    Stop("manager-people", "manager", "/settings/people"),
    Stop("manager-person-new", "manager", "/settings/people/new"),
    Stop("manager-person", "manager", "/settings/people", prepare=_open_first_person),
    Stop("manager-new-password", "manager", "/settings/people/new", _new_password),
    Stop("manager-customers", "manager", "/manager/customers"),
    Stop("manager-customer", "manager", "/manager/customers?reference=demo"),
    Stop("manager-erasure", "manager", "/manager/customers/{customer}/erasure"),
    Stop("manager-orders", "manager", "/support"),
)


@asynccontextmanager
async def arrived(
    browser: Browser, elsewhere: Elsewhere, scene: Scene, stop: Stop, **options: Any
) -> AsyncIterator[Page]:
    """The stop in a new browser, prepared as far as possible without JavaScript."""
    async with await browser.new_context(**{"viewport": DESKTOP, "base_url": elsewhere.url, **options}) as context:
        page = await signed_in(context, elsewhere, stop.persona)
        await page.goto(stop.address.format(**scene))
        if stop.prepare:
            await stop.prepare(page)
        yield page


async def signed_in(context: BrowserContext, elsewhere: Elsewhere, persona: str | None) -> Page:
    """An empty page of a browser with the persona's session."""
    context.set_default_timeout(TIMEOUT_MS)
    if persona:
        session = await elsewhere.session(persona)
        await context.add_cookies([{"name": "oms_session", "value": session, "url": elsewhere.url}])
    return await context.new_page()
