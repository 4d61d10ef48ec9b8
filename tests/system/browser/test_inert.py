"""User text is never executed in a real browser: not when a page is opened, used, or refreshed automatically.

`tests/web/pages/test_inert.py` looks at every page with a parser; this at those that show most, with Chromium.
"""

import html
from typing import Any, Final
from urllib.parse import quote

from playwright.async_api import Page

from tests.system.browser.conftest import Visit
from tests.system.browser.elsewhere import Elsewhere
from tests.web.pages.hostile import TEXTS

# Whatever of a text came to run would call probe(), open a dialog, or ask for an address that no page has.
_WATCH: Final = "window.probed = []; window.probe = (...what) => window.probed.push(what.join()); "
_TOUCH: Final = """() => {
  const kinds = ['pointerover', 'mouseover', 'focus', 'toggle', 'animationstart'];
  for (const each of document.querySelectorAll('#page *')) kinds.forEach((kind) => each.dispatchEvent(new Event(kind)));
  const ours = 'img[src^="/pictures/"]';
  const elements = `img:not(${ours}), iframe, object, embed, base, style, script, template`;
  const foreign = document.querySelectorAll(`#page :is(${elements})`);
  return { probed: window.probed, foreign: foreign.length };
}"""
_SETS: Final = (
    "mutation ($inputs: [WarehouseInput!]!) { upsertWarehouses(inputs: $inputs) { userErrors { message } } }",
    "mutation ($inputs: [ProductInput!]!) { upsertProducts(inputs: $inputs) { userErrors { message } } }",
    "mutation ($inputs: [StockInput!]!) { setStock(inputs: $inputs) { userErrors { message } } }",
)
_CANCEL: Final = """mutation ($id: ID!, $reason: String) {
  cancelOrder(orderId: $id, reason: $reason) { userErrors { message } } }"""


async def _sell(elsewhere: Elsewhere, text: str) -> None:
    """A product of this name and SKU, in a warehouse of this name."""
    rows: tuple[dict[str, Any], ...] = (
        {"code": text, "name": text},
        {"sku": text, "name": text, "unitPrice": 100},
        {"sku": text, "warehouseCode": text, "onHand": 5},
    )
    for mutation, row in zip(_SETS, rows, strict=True):
        await elsewhere.ask("manager", mutation, inputs=[row])


async def _placed(elsewhere: Elsewhere, text: str) -> Any:
    address = dict.fromkeys(("name", "line1", "line2", "postalCode", "city", "region"), text) | {"country": "PT"}
    mail = f"{''.join(text.split())}@example.com"
    return await elsewhere.booked({text: 1}, reference=text, shippingAddress=address, email=mail)


async def _unharmed(page: Page, text: str) -> None:
    """The page shows the text, and no part of it became markup."""
    shown = "".join(text.split()) in "".join((await page.evaluate("document.documentElement.textContent")).split())
    assert shown, f"{text!r} is not on {page.url}"
    found = await page.evaluate(_TOUCH)
    assert found == {"probed": [], "foreign": 0}, (text, page.url, html.escape(str(found)))


async def _watched(visit: Visit, persona: str) -> Page:
    """A page of the persona's. A dialog would stay open and time the test out."""
    page = await visit(persona)
    await page.context.add_init_script(_WATCH)
    return page


async def test_user_text_is_never_executed(visit: Visit, elsewhere: Elsewhere) -> None:
    refused = ("controls", "right to left")  # not accepted in names
    texts = [text for name, text in TEXTS.items() if name not in refused]
    for text in texts:
        await _sell(elsewhere, text)
    placed = [await _placed(elsewhere, text) for text in texts]
    people = {persona: await _watched(visit, persona) for persona in ("customer", "courier", "manager", "support")}

    for persona, address in (
        ("customer", "/orders/new"), ("customer", "/orders"), ("courier", "/courier"), ("manager", "/manager/stock"),
        ("manager", "/manager/stock/warehouses"), ("support", "/support"),
    ):  # fmt: skip
        await people[persona].goto(address)
        await _unharmed(people[persona], "")

    for text, order in zip(texts, placed, strict=True):
        for persona, address in (
            ("courier", f"/courier/shipments/{order['shipments'][0]['id']}"),
            ("manager", f"/manager/stock/product?sku={quote(text, safe='')}"),
            ("support", f"/support?q={quote(text, safe='')}"),
            ("customer", f"/orders/{order['id']}"),
            ("support", f"/support/orders/{order['id']}"),
        ):
            await people[persona].goto(address)
            await _unharmed(people[persona], text)
        await elsewhere.ask("support", _CANCEL, id=order["id"], reason=text)
        for persona in ("customer", "support"):  # whose pages are open, and change by themselves
            await people[persona].get_by_text("Cancelled").first.wait_for()
            await _unharmed(people[persona], text)
