"""The machine's own Chromium, never a downloaded one, and its invisible errors."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Response, ViewportSize, async_playwright

MISSING: Final = "There is no Chromium on this machine. On Debian: apt-get install chromium"
DESKTOP: Final = ViewportSize(width=1280, height=800)
PHONE: Final = ViewportSize(width=390, height=844)
NARROWEST: Final = ViewportSize(width=320, height=640)
TIMEOUT_MS: Final = 10_000

_QUIET: Final = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
_TOO_WIDE: Final = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const wide = [...document.body.querySelectorAll("*")].filter((each) => each.getBoundingClientRect().right > width);
  return ["the page scrolls", ...wide.map((each) => each.outerHTML.slice(0, 120))];
}"""
_AXE: Final = Path(__file__).parent / "vendor/axe/axe.min.js"


def chromium_path() -> str | None:
    """The path of Chromium; None if there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def chromium_arguments() -> list[str]:
    """No background requests; without a sandbox as root, because Chromium would not start."""
    return [*_QUIET, *(["--no-sandbox"] if os.geteuid() == 0 else [])]


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium_path(), args=chromium_arguments())
        yield browser
        await browser.close()


async def sign_in(context: BrowserContext, url: str, persona: str | None) -> Page:
    """The persona's first page, reached from the start page by its button."""
    context.set_default_timeout(TIMEOUT_MS)
    page = await context.new_page()
    await page.goto(url)
    if persona:
        await page.get_by_role("button", name=persona.capitalize()).click()
        await page.wait_for_url(lambda address: urlsplit(address).path != "/")
    return page


class Complaints:
    """Collects a browser's errors, violations of the policy, and requests to other servers."""

    def __init__(self, url: str) -> None:
        self.found: list[str] = []
        self._origin = url.rstrip("/") + "/"

    def listen(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", lambda error: self.found.append(f"uncaught: {error.error}"))
        context.on("response", self._response)
        context.on("request", lambda request: self._is_own(request.url))

    def _console(self, message: ConsoleMessage) -> None:
        at = message.location["url"]
        if message.type in ("error", "warning") and not _is_a_refusal_or_a_break(message.text):
            self.found.append(f"{message.type}: {message.text} ({at})")

    def _response(self, response: Response) -> None:
        if response.status >= 500 or (response.status >= 400 and "/static/" in response.url):
            self.found.append(f"{response.status} from {response.url}")

    def _is_own(self, address: str) -> None:
        if not address.startswith((self._origin, "data:", "blob:", "about:")):
            self.found.append(f"asked another server: {address}")


def _is_a_refusal_or_a_break(text: str) -> bool:
    """Chromium logs statuses above 399 and broken connections, htmx the latter; only some tests cause them."""
    if text.startswith("Failed to load resource: "):
        return any(known in text for known in ("of 401", "of 403", "of 404", "of 409", "of 422", "net::ERR_"))
    return text.startswith("htmx: htmx:error: Failed to fetch")


async def axe_violations(page: Page) -> list[str]:
    """axe-core's violations on the present page, one line per element."""
    if not await page.evaluate("typeof axe === 'object'"):
        await page.evaluate(_AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = await page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{violation['id']} ({violation['impact']}): {violation['help']}: {node['html']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]


async def too_wide(page: Page) -> list[str]:
    """The elements that are wider than the window, outermost first."""
    found: list[str] = await page.evaluate(_TOO_WIDE)
    return found
