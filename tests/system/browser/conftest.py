"""A whole instance as `make run` starts it, and a browser for each person. Skipped without Chromium."""

import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from oms.tools.dev_services.embedded import running_instance
from tests.conftest import GENEROUS
from tests.platform.conftest import clean_environment, launch
from tests.system.browser.chromium import DESKTOP, MISSING, Complaints, chromium, chromium_path, sign_in
from tests.system.browser.elsewhere import Elsewhere
from tests.system.browser.tour import SETTINGS

Visit = Callable[..., Awaitable[Page]]
"""visit(persona, **options of the browser's context): the persona's first page."""


@pytest.fixture(scope="package")
def site(open_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an instance with the demo's catalogue and orders."""
    if chromium_path() is None:
        pytest.skip(MISSING)
    environment = clean_environment(open_dir / "browsers") | GENEROUS | SETTINGS
    instance = launch(environment, tmp_path_factory.mktemp("browsers") / "output")
    instance.wait_until_ready()
    yield instance.url
    assert instance.stop(signal.SIGTERM) == 0


@pytest.fixture(scope="package")
async def browser(site: str) -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest.fixture(scope="package")
async def elsewhere(site: str, open_dir: Path) -> AsyncIterator[Elsewhere]:
    running = running_instance(open_dir / "browsers")
    assert running
    assert running.database_url
    people = Elsewhere(site, running.database_url)
    yield people
    await people.close()


@pytest.fixture
async def visit(site: str, browser: Browser) -> AsyncIterator[Visit]:
    """Opens a browser for each visitor, and fails at the end if any of them reported an error."""
    contexts, complaints = [], Complaints(site)

    async def begin(persona: str | None, **options: Any) -> Page:
        context = await browser.new_context(**{"viewport": DESKTOP, "base_url": site, **options})
        complaints.listen(context)
        contexts.append(context)
        return await sign_in(context, site, persona)

    yield begin
    for context in contexts:
        await context.close()
    assert complaints.found == []
