"""The page on which a second person confirms what another one requested."""

from collections.abc import Iterator

import httpx
import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.ids import order_id
from oms.platform.settings import Settings
from oms.schema.schema import schema
from tests.shop import ShopUnderTest
from tests.web.conftest import Server, serving
from tests.web.pages.conftest import hidden, signed_in

HOME = "/approvals"


@pytest.fixture(scope="module")
def careful(web_settings: Settings) -> Iterator[Server]:
    """Staff refund nothing alone."""
    with serving(web_settings.model_copy(update={"demo": True, "second_person_refund_minor": "1"}), schema) as server:
        yield server


async def press(browser: httpx.AsyncClient, noun: str) -> httpx.Response:
    """The button of the first request on the page."""
    page = (await browser.get(HOME)).text
    address = next(part.split('"')[0] for part in page.split('action="') if f"/{noun}" in part.split('"')[0])
    return await browser.post(address, data={"key": hidden(page, "key")})


async def test_one_person_requests_and_another_one_confirms(careful: Server, shop: ShopUnderTest) -> None:
    order = await shop.place({"pen": 1})
    await shop.run()
    cancellation = f"/support/orders/{order_id(order)}/cancellation"
    async with (
        signed_in(careful, shop, Viewer("kim", Role.SUPPORT)) as kim,
        signed_in(careful, shop, Viewer("lee", Role.MANAGER)) as lee,
    ):
        answer = await kim.post(cancellation, data={"key": "k", "reason": "Fraud"})
        assert answer.status_code == 422
        assert "done when somebody else confirms it" in answer.text
        own = (await kim.get(HOME)).text
        assert "another person must confirm it" in own
        assert "/confirmation" not in own
        assert "Fraud" in (await lee.get(HOME)).text
        assert (await press(lee, "confirmation")).status_code == 303
        assert "Nothing to confirm." in (await lee.get(HOME)).text
    assert "OrderCancelled" in await shop.events(order)


async def test_a_request_is_rejected_and_cannot_be_confirmed_any_more(careful: Server, shop: ShopUnderTest) -> None:
    order = await shop.place({"pen": 1})
    await shop.run()
    async with (
        signed_in(careful, shop, Viewer("kim", Role.SUPPORT)) as kim,
        signed_in(careful, shop, Viewer("lee", Role.MANAGER)) as lee,
    ):
        await kim.post(f"/support/orders/{order_id(order)}/cancellation", data={"key": "k"})
        before = (await lee.get(HOME)).text
        [waiting] = {part.split("/")[0] for part in before.split('action="/approvals/')[1:]}
        assert (await press(kim, "rejection")).status_code == 303
        answer = await lee.post(f"{HOME}/{waiting}/confirmation", data={"key": hidden(before, "key")})
        assert answer.status_code == 422
        assert "confirmed or rejected already" in answer.text
    assert "OrderCancelled" not in await shop.events(order)
