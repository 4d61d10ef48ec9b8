"""In demo mode, opening a page sees to it that something waits; nowhere else does it place anything."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest

from oms.platform.settings import Settings
from oms.schema.schema import schema
from oms.tools import demo
from oms.web.auth.credentials import SessionCookie
from tests.shop import SUPPORT, ShopUnderTest
from tests.web.conftest import NO_TLS, serving, session_of

REFRESH: Mapping[str, str] = {"HX-Request": "true", "HX-Source": "main#page"}


@pytest.mark.parametrize(("in_demo_mode", "headers", "orders"), [(True, {}, 3), (True, REFRESH, 0), (False, {}, 0)])
async def test_only_somebody_who_opens_a_page_of_the_demo_gets_orders(
    shop: ShopUnderTest, web_settings: Settings, *, in_demo_mode: bool, headers: Mapping[str, str], orders: int
) -> None:
    settings = web_settings.model_copy(update={"demo": in_demo_mode, "person_requests_per_s": 0})
    await asyncio.to_thread(demo.load, settings.model_copy(update={"demo": False}))  # the catalogue
    cookies = {SessionCookie(secure=not in_demo_mode).name: await session_of(shop.db, SUPPORT)}
    with serving(settings, schema) as server:
        async with httpx.AsyncClient(base_url=server.url, headers=headers, cookies=cookies, verify=NO_TLS) as browser:
            assert (await browser.get("/support")).status_code == 200
    assert await shop.rows("SELECT count(*) FROM orders") == [(orders,)]
