"""Where the lists begin: pixels above the first row on a phone and a desktop, and the rows that a desktop shows."""

from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, ViewportSize

from tests.system.browser.elsewhere import Elsewhere
from tests.system.browser.tour import Scene, signed_in

LISTS: Final = (
    ("support", "/support"),
    ("support", "/support?view=open"),
    ("support", "/support?status=PROCESSING&from=2020-01-01"),
    ("manager", "/support"),
    ("manager", "/manager/audit"),
    ("manager", "/manager/stock"),
    ("manager", "/settings/people"),
)
ORDERS: Final = 25
"""Enough that the list is longer than the window."""

DEVICES: Final[dict[str, tuple[dict[str, Any], int]]] = {
    "desktop": ({"viewport": ViewportSize(width=1280, height=900)}, 200),
    "phone": ({"viewport": ViewportSize(width=390, height=844), "is_mobile": True, "has_touch": True}, 260),
}
"""Each with the goal for the first row, in pixels."""

LEAST_ROWS: Final = 16
"""Orders on a desktop."""

SETTLE_MS: Final = 500
_MEASURE: Final = """() => {
  const found = [...document.querySelectorAll("table.list tbody tr, .trail > li:not(.day)")];
  const rows = found.map((row) => row.getBoundingClientRect());
  return [rows[0]?.top ?? Infinity, rows.filter((row) => row.bottom <= innerHeight).length];
}"""


async def first_rows(browser: Browser, elsewhere: Elsewhere, _scene: Scene, _: Path) -> None:
    """Prints a line for each list and device, and which goals are missed."""
    for _number in range(ORDERS):
        await elsewhere.place({"COFFEE-1KG": 1})
    print(f"{'list':52} {'device':8} {'first row px':>12} {'rows':>5}")
    missed = []
    for device, (options, goal_px) in DEVICES.items():
        async with await browser.new_context(base_url=elsewhere.url, **options) as context:
            for persona, address in LISTS:
                page = await signed_in(context, elsewhere, persona)
                await page.goto(address)
                await page.wait_for_timeout(SETTLE_MS)
                top_px, rows = await page.evaluate(_MEASURE)
                print(f"{persona + ' ' + address:52} {device:8} {top_px:12.0f} {rows:5}")
                if top_px > goal_px or (device == "desktop" and address.startswith("/support") and rows < LEAST_ROWS):
                    missed.append(f"{persona} {address} on a {device}")
    print(f"goals: {DEVICES['desktop'][1]} px, {DEVICES['phone'][1]} px, {LEAST_ROWS} rows; missed: {missed or 'none'}")
