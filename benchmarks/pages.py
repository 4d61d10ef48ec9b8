"""Measures what is promised of the pages: `python -m benchmarks.pages [PART…]`; without a part, all of them.

    screens     the pictures in docs/screens, of a desktop and a phone
    weight      kilobytes over the wire the first time, axe-core's violations in light and dark, and whether 320 px are
                wide enough, of every page and state
    rows        where the lists begin on a phone and a desktop, and how many rows a desktop shows
    valid       the Nu Html Checker's errors; needs npm and Java
    lighthouse  Lighthouse's mobile scores; needs npm
    live        from a courier's press to the customer's changed page, in two browsers

Starts an instance of its own with Debian's Chromium. Tools that are not Python's come by npm into a temporary folder.
"""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Literal

from playwright.async_api import Browser

from benchmarks.first_rows import first_rows
from benchmarks.instance import an_instance, people_of
from benchmarks.lighthouse import lighthouse_scores
from benchmarks.live_pages import live_delays
from benchmarks.screens import take_pictures
from benchmarks.valid_html import invalid_html
from tests.system.browser.chromium import MISSING, NARROWEST, axe_violations, chromium, chromium_path, too_wide
from tests.system.browser.elsewhere import Elsewhere
from tests.system.browser.tour import SETTINGS, STOPS, Scene, set_scene, signed_in
from tests.system.browser.weight import HEAVIEST_KB, Weight

SETTLE_MS: Final = 500
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")

Part = Callable[[Browser, Elsewhere, Scene, Path], Awaitable[None]]


async def weigh(browser: Browser, elsewhere: Elsewhere, scene: Scene, _: Path) -> None:
    """Prints a line for each page and state."""
    print(f"{'page':28} {'KB':>6}  axe light  axe dark  320 px")
    heaviest, found = 0.0, []
    for stop in STOPS:
        async with await browser.new_context(base_url=elsewhere.url, reduced_motion="reduce") as context:
            page = await signed_in(context, elsewhere, stop.persona)
            weight = await Weight.of(page)
            await page.goto(stop.address.format(**scene))
            await page.wait_for_timeout(SETTLE_MS)
            kb = weight.total_kb
            if stop.prepare:
                await stop.prepare(page)
            violations = []
            for scheme in SCHEMES:
                await page.emulate_media(color_scheme=scheme)
                violations.append(await axe_violations(page))
            await page.set_viewport_size(NARROWEST)
            wide = await too_wide(page)
        print(
            f"{stop.name:28} {kb:6.1f}  {len(violations[0]):9}  {len(violations[1]):8}  {'scrolls' if wide else 'fits'}"
        )
        heaviest = max(heaviest, kb)
        found += [f"{stop.name}: {each}" for each in violations[0] + violations[1] + wide]
    print(
        f"{len(STOPS)} pages and states: heaviest {heaviest:.1f} KB of {HEAVIEST_KB}, {len(found)} violations",
        *found, sep="\n  ",
    )  # fmt: skip


PARTS: Final[dict[str, Part]] = {
    "screens": take_pictures,
    "weight": weigh,
    "rows": first_rows,
    "valid": invalid_html,
    "lighthouse": lighthouse_scores,
    "live": live_delays,
}


async def main(names: list[str]) -> None:
    if chromium_path() is None:
        raise SystemExit(MISSING)
    if unknown := set(names) - set(PARTS):
        raise SystemExit(f"There is no part {', '.join(unknown)}; there are {', '.join(PARTS)}.")
    with an_instance(**SETTINGS) as instance, tempfile.TemporaryDirectory() as tools:
        elsewhere = people_of(instance)
        scene = await set_scene(elsewhere)
        async with chromium() as browser:
            for name in names or PARTS:
                print(f"\n== {name}", flush=True)
                await PARTS[name](browser, elsewhere, scene, Path(tools))
        await elsewhere.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
