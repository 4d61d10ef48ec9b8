"""Lighthouse's scores of each page on its simulated phone with a slow network and processor."""

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser

from benchmarks.npm_tool import installed
from tests.system.browser.chromium import chromium_arguments, chromium_path
from tests.system.browser.elsewhere import Elsewhere
from tests.system.browser.tour import STOPS, Scene, Stop

TOOL: Final = "lighthouse@13.5.0"
CATEGORIES: Final = ("performance", "accessibility", "best-practices")
SEO: Final = "seo"
"""Of pages that search engines can see: those without a persona."""

LEAST: Final = 95
PAGES: Final = (
    "start", "orders", "order-new", "order-completed", "courier", "courier-booked", "support", "support-order",
    "support-parked", "manager", "manager-stock", "manager-product", "manager-operations",
)  # fmt: skip


async def lighthouse_scores(_: Browser, elsewhere: Elsewhere, scene: Scene, tools: Path) -> None:
    """Prints a line for each page: scores out of 100, and what lowers them."""
    if not (tool := installed(TOOL, tools)):
        return
    print(f"{'page':28}" + "".join(f" {category:>14}" for category in (*CATEGORIES, SEO)))
    missed = []
    for stop in STOPS:
        if stop.name in PAGES:
            categories = CATEGORIES if stop.persona else (*CATEGORIES, SEO)
            found = await _audit(tool, elsewhere, stop, stop.address.format(**scene), categories)
            scores = {category: found["categories"][category]["score"] * 100 for category in categories}
            print(f"{stop.name:28}" + "".join(f" {score:14.0f}" for score in scores.values()), flush=True)
            missed += [f"{stop.name}: {category}" for category, score in scores.items() if score < LEAST]
            for category in categories[1:]:
                print(*_shortcomings(found, category), sep="\n", end="")
    print(f"goal: {LEAST}; missed: {', '.join(missed) or 'none'}")


async def _audit(tool: Path, elsewhere: Elsewhere, stop: Stop, address: str, categories: Sequence[str]) -> Any:
    headers = {"Cookie": f"oms_session={await elsewhere.session(stop.persona)}"} if stop.persona else {}
    process = await asyncio.create_subprocess_exec(
        "node", str(tool / "cli/index.js"), elsewhere.url + address,
        "--quiet", "--output=json", "--max-wait-for-load=20000",
        f"--only-categories={','.join(categories)}", f"--extra-headers={json.dumps(headers)}",
        f"--chrome-flags={' '.join(['--headless=new', *chromium_arguments()])}",
        env=os.environ | {"CHROME_PATH": chromium_path() or ""}, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    answer, told = await process.communicate()
    if process.returncode:
        raise SystemExit(told.decode())
    return json.loads(answer)


def _shortcomings(found: Any, category: str) -> list[str]:
    audits = [found["audits"][each["id"]] for each in found["categories"][category]["auditRefs"] if each["weight"]]
    return [f"  {audit['title']}\n" for audit in audits if audit["score"] is not None and audit["score"] < 1]
