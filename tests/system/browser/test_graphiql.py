"""GraphiQL: a way back, a first query that finds something for each role, and no barriers."""

from typing import Literal

import pytest
from playwright.async_api import Page, Request, expect

from tests.system.browser.chromium import axe_violations
from tests.system.browser.conftest import Visit
from tests.system.browser.elsewhere import Elsewhere

FOUND = {"manager": "orders", "support": "orders", "courier": "shipments", "customer": "products"}


async def opened(visit: Visit, persona: str) -> Page:
    page = await visit(persona)
    await page.goto("/graphql")
    await expect(page.locator(".graphiql-query-editor .CodeMirror").first).to_be_visible()
    return page


@pytest.mark.parametrize(("persona", "field"), FOUND.items())
async def test_the_first_query_finds_something_for_the_role(
    visit: Visit, elsewhere: Elsewhere, persona: str, field: str
) -> None:
    await elsewhere.booked({"COFFEE-1KG": 1})
    page = await opened(visit, persona)

    def is_the_first_query(request: Request) -> bool:
        return f"{field}(first: 5)" in (request.post_data or "")

    async with page.expect_request_finished(is_the_first_query) as finished:
        await page.get_by_role("button", name="Execute query").click()
    response = await (await finished.value).response()
    assert response
    answer = await response.json()
    assert "errors" not in answer
    assert answer["data"][field]["nodes"]


async def test_a_link_leads_back_to_the_pages(visit: Visit) -> None:
    page = await opened(visit, "support")
    await page.get_by_role("link", name="Home").click()
    await expect(page.locator("#graphiql")).to_have_count(0)
    await expect(page.get_by_role("heading", level=1)).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_no_violation(visit: Visit, elsewhere: Elsewhere, scheme: Literal["light", "dark"]) -> None:
    await elsewhere.booked({"COFFEE-1KG": 1})
    page = await opened(visit, "support")
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    assert await axe_violations(page) == []
    await page.get_by_role("button", name="Execute query").click()
    await expect(page.locator(".result-window")).to_contain_text("orders")
    assert await axe_violations(page) == [], "with a result"
    await page.get_by_role("button", name="Show History").click()
    await expect(page.locator(".graphiql-plugin")).to_be_visible()
    assert await axe_violations(page) == [], "with the history"
    await page.get_by_role("button", name="New tab").click()
    await expect(page.locator(".graphiql-tab")).to_have_count(2)
    assert await axe_violations(page) == [], "with two tabs"
