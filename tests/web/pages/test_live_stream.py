"""The stream of events behind an open page: it rings when what the viewer may see has changed, and only then."""

import asyncio
import gc
from collections.abc import AsyncIterator

import httpx
import pytest

from oms.domain.notes import commands as notes
from oms.domain.vocabulary.ids import order_id
from tests.shop import MANAGER, ShopUnderTest
from tests.web.conftest import Server, until
from tests.web.pages.conftest import persona, visiting

WITHIN_S = 5
LEFT_AFTER_S = 0.5
"""Longer than changes are merged, so that a page is left while its stream waits."""


async def rings(answer: httpx.Response) -> AsyncIterator[str]:
    async for line in answer.aiter_lines():
        if line == "event: changed":
            yield line


async def test_it_rings_at_once_and_after_every_change(pages: Server, shop: ShopUnderTest) -> None:
    async with persona(pages, "customer") as browser, browser.stream("GET", "/live?on=orders") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        heard = rings(stream)
        await asyncio.wait_for(anext(heard), WITHIN_S)
        await shop.place({"pen": 1}, customer="demo-customer")
        await asyncio.wait_for(anext(heard), WITHIN_S)


async def test_a_page_that_is_opened_hears_one_ring_of_all_its_sources(pages: Server, shop: ShopUnderTest) -> None:
    order = order_id(await shop.place({"pen": 1}))
    on = {"on": ["clock", f"order {order}", f"notes {order}", "fraud"]}
    async with persona(pages, "support") as browser, browser.stream("GET", "/live", params=on) as stream:
        heard = rings(stream)
        await asyncio.wait_for(anext(heard), WITHIN_S)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(heard), 1.5)


async def test_a_customer_hears_nothing_of_other_customers(pages: Server, shop: ShopUnderTest) -> None:
    async with persona(pages, "customer") as browser, browser.stream("GET", "/live?on=orders") as stream:
        heard = rings(stream)
        await asyncio.wait_for(anext(heard), WITHIN_S)
        await shop.place({"pen": 1}, customer="somebody else")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(heard), 1.5)


async def test_an_order_of_somebody_else_can_be_watched_no_more_than_one_that_is_not(
    pages: Server, shop: ShopUnderTest
) -> None:
    theirs = order_id(await shop.place({"pen": 1}, customer="somebody else"))
    async with persona(pages, "customer") as browser:
        for on in (f"order {theirs}", f"order ord_{'0' * 32}", "order", "secrets", ""):
            assert (await browser.get("/live", params={"on": on})).status_code == 400


async def test_nobody_watches_without_a_session(pages: Server) -> None:
    async with visiting(pages) as browser:
        assert (await browser.get("/live?on=orders")).status_code == 401


async def test_staff_hear_of_a_note_that_somebody_else_adds(pages: Server, shop: ShopUnderTest) -> None:
    order, other = await shop.place({"pen": 1}), await shop.place({"pen": 1})
    async with (
        persona(pages, "support") as browser,
        browser.stream("GET", "/live", params={"on": f"notes {order_id(order)}"}) as stream,
    ):
        heard = rings(stream)
        await asyncio.wait_for(anext(heard), WITHIN_S)
        async with shop.db.transaction() as tx:
            await notes.add_note(tx, MANAGER, order, "Called, no answer")
        await asyncio.wait_for(anext(heard), WITHIN_S)
        async with shop.db.transaction() as tx:
            await notes.add_note(tx, MANAGER, other, "Of another order")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(heard), 1.5)


async def test_customers_do_not_hear_of_notes_on_their_orders(pages: Server, shop: ShopUnderTest) -> None:
    order = await shop.place({"pen": 1}, customer="demo-customer")
    async with persona(pages, "customer") as browser:
        assert (await browser.get("/live", params={"on": f"notes {order_id(order)}"})).status_code == 400
        async with browser.stream("GET", "/live", params={"on": f"order {order_id(order)}"}) as stream:
            heard = rings(stream)
            await asyncio.wait_for(anext(heard), WITHIN_S)
            async with shop.db.transaction() as tx:
                await notes.add_note(tx, MANAGER, order, "Called, no answer")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(anext(heard), 1.5)


async def test_pages_that_are_left_leave_no_task_behind(pages: Server, caplog: pytest.LogCaptureFixture) -> None:
    """Python logs "Task was destroyed but it is pending" for each that is forgotten while it waits."""
    async with persona(pages, "support") as browser:
        for on in ("fraud", "clock") * 4:
            async with browser.stream("GET", "/live", params={"on": on}) as stream:
                heard = rings(stream)
                await asyncio.wait_for(anext(heard), WITHIN_S)
                await asyncio.sleep(LEFT_AFTER_S)
    await until(lambda: not len(pages.app.state.streams))
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
