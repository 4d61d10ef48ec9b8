"""GraphiQL: a way back, and a first query that finds something for each role."""

import pytest
from playwright.async_api import Page, Request, expect

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
