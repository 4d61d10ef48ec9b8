"""Every page in every state is accessible, valid, small, fits narrow screens and logs no errors."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal

import html5lib
import pytest
from playwright.async_api import Browser, Page

from tests.system.browser.chromium import NARROWEST, Complaints, axe_violations, too_wide
from tests.system.browser.elsewhere import Elsewhere
from tests.system.browser.tour import STOPS, Scene, Stop, set_scene, signed_in
from tests.system.browser.weight import HEAVIEST_KB, Weight

pytestmark = pytest.mark.random_order(disabled=True)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A page at a stop of the tour."""

    page: Page
    html: str
    weight_kb: float
    complaints: list[str]


@pytest.fixture(scope="module")
async def scene(elsewhere: Elsewhere) -> Scene:
    return await set_scene(elsewhere)


@pytest.fixture(scope="module", params=STOPS, ids=lambda stop: stop.name)
async def arrival(
    request: pytest.FixtureRequest, browser: Browser, elsewhere: Elsewhere, scene: Scene
) -> AsyncIterator[Arrival]:
    stop: Stop = request.param
    complaints = Complaints(elsewhere.url)
    async with await browser.new_context(base_url=elsewhere.url) as context:
        complaints.listen(context)
        page = await signed_in(context, elsewhere, stop.persona)
        weight = await Weight.of(page)
        answer = await page.goto(stop.address.format(**scene))
        assert answer
        await page.wait_for_timeout(500)  # what comes after the page itself: its stream, and what that asks for
        weight_kb = weight.total_kb
        html = await answer.text()
        assert answer.status in (200, 403, 404, 422), answer.status
        if stop.prepare:
            await stop.prepare(page)
        yield Arrival(page, html, weight_kb, complaints.found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_no_violation(arrival: Arrival, scheme: Literal["light", "dark"]) -> None:
    await arrival.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no colour half way to another
    assert await axe_violations(arrival.page) == []


async def test_its_html_is_valid(arrival: Arrival) -> None:
    parser = html5lib.HTMLParser()
    document = parser.parse(arrival.html)
    assert [(code, where) for where, code, _ in parser.errors] == []
    ids = [element.get("id") for element in document.iter() if element.get("id")]
    assert sorted(ids) == sorted(set(ids))


async def test_its_first_load_is_small(arrival: Arrival) -> None:
    assert arrival.weight_kb <= HEAVIEST_KB


async def test_320_px_are_wide_enough(arrival: Arrival) -> None:
    before = arrival.page.viewport_size
    await arrival.page.set_viewport_size(NARROWEST)
    assert await too_wide(arrival.page) == []
    await arrival.page.set_viewport_size(before or NARROWEST)


async def test_the_browser_reports_no_errors(arrival: Arrival) -> None:
    assert arrival.complaints == []
