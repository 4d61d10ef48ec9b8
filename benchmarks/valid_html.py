"""Checks the pages with the Nu Html Checker."""

import asyncio
import re
import shutil
from pathlib import Path
from typing import Final

from playwright.async_api import Browser

from benchmarks.npm_tool import installed
from tests.system.browser.elsewhere import Elsewhere
from tests.system.browser.tour import STOPS, Scene, arrived

CHECKER: Final = "vnu-jar@26.9.27"
WHERE_AND_WHAT: Final = re.compile(r'^".+?":[\d.-]+|“.*?”')
"""Of lines that differ only in these, the first is printed."""


async def invalid_html(browser: Browser, elsewhere: Elsewhere, scene: Scene, tools: Path) -> None:
    """Prints the checker's errors and warnings for the pages as the server sends them."""
    if shutil.which("java") is None:
        print("Java is missing, which the checker runs on.")
        return
    if not (checker := installed(CHECKER, tools)):
        return
    folder = tools / "html"
    folder.mkdir()
    for stop in STOPS:
        async with arrived(browser, elsewhere, scene, stop, java_script_enabled=stop.prepare is not None) as page:
            html = await page.content() if stop.prepare else await (await page.request.get(page.url)).text()
            (folder / f"{stop.name}.html").write_text(html, encoding="utf-8")
    jar = checker / "build/dist/vnu.jar"
    process = await asyncio.create_subprocess_exec(
        "java", "-jar", str(jar), "--skip-non-html", str(folder), stderr=asyncio.subprocess.PIPE
    )
    _, told = await process.communicate()
    lines = told.decode().replace(f"file:{folder}/", "").splitlines()
    first = {WHERE_AND_WHAT.sub("", line): line for line in reversed(lines)}
    print(f"{len(STOPS)} pages: {len(lines)} objections", *first.values(), sep="\n  ")
