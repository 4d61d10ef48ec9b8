"""The screenshots in docs/screens: each page on desktop and phone, and the README's query in GraphiQL."""

import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from playwright.async_api import Browser, expect

from oms.platform.settings import PROJECT_DIR
from tests.system.browser.chromium import DESKTOP, PHONE
from tests.system.browser.elsewhere import Elsewhere
from tests.system.browser.tour import STOPS, Scene, arrived, signed_in

FOLDER: Final = PROJECT_DIR / "docs" / "screens"
PICTURED: Final = (
    "start", "orders", "order-new", "order-completed", "order-amended", "courier", "courier-booked", "support",
    "support-order", "support-parked", "manager", "manager-limit-confirm", "manager-stock", "manager-product",
    "manager-operations", "manager-audit", "account",
)  # fmt: skip
WHOLE: Final = {"manager-operations"}
"""Full-page screenshots on the desktop."""

SETTLE_MS: Final = 600
DEVICES: Final[dict[str, dict[str, Any]]] = {
    "desktop": {"viewport": {"width": 1280, "height": 720}},
    "phone": {"viewport": PHONE, "is_mobile": True, "has_touch": True},
}
QUERY: Final = re.compile(r"```graphql\n(\{\n  order\(reference: \"(.+?)\"\).*?\})\n```", re.DOTALL)


async def take_pictures(browser: Browser, elsewhere: Elsewhere, scene: Scene, _: Path) -> None:
    FOLDER.mkdir(exist_ok=True)
    for stop in STOPS:
        if stop.name not in PICTURED:
            continue
        for device, options in DEVICES.items():
            async with arrived(browser, elsewhere, scene, stop, locale="en-GB", **options) as page:
                await page.wait_for_timeout(SETTLE_MS)
                file = FOLDER / f"{stop.name}-{device}.png"
                await page.screenshot(path=file, full_page=stop.name in WHOLE and device == "desktop")
                print(f"{file.relative_to(PROJECT_DIR)}: {file.stat().st_size / 1000:.0f} KB")
    await _picture_graphiql(browser, elsewhere)


async def _picture_graphiql(browser: Browser, elsewhere: Elsewhere) -> None:
    found = QUERY.search((PROJECT_DIR / "README.md").read_text(encoding="utf-8"))
    if not found:
        raise SystemExit("The README no longer shows a query of an order.")
    await elsewhere.booked({"KETTLE": 2}, reference=found[2])
    async with await browser.new_context(base_url=elsewhere.url, viewport=DESKTOP) as context:
        page = await signed_in(context, elsewhere, "support")
        await page.goto("/graphql?" + urlencode({"query": found[1]}))
        await page.get_by_role("button", name=re.compile("Execute")).click()
        await expect(page.locator(".result-window")).to_contain_text("trackingNumber")
        await page.screenshot(path=FOLDER / "graphiql.png")
