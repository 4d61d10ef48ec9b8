"""Pages as people reach them: the whole application in demo mode, and browsers without scripts."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.identity.signing_in.personas import PERSONAS
from oms.platform.notifications import Notifier
from oms.platform.settings import Settings
from oms.schema.schema import schema
from oms.web.auth.csrf import FIELD
from tests.shop import ShopUnderTest, open_shop
from tests.web.conftest import DEMO_COOKIE, NO_TLS, Server, serving, session_of


@pytest.fixture
async def shop(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    """Works like a worker on demand; its commits send notifications."""
    async with open_shop(database_url, tmp_path) as shop:
        notifier = Notifier(redis_url)
        shop.db._notify = notifier.notify
        await shop.stock_up({"pen": {"east": 5}, "ink": {"west": 5}})
        yield shop
        await notifier.close()


@pytest.fixture(scope="session")
def pages(web_settings: Settings) -> Iterator[Server]:
    """Without rate limits, because tests are faster than people."""
    rates = {"person_requests_per_s": 0, "person_cost_per_s": 0, "stranger_requests_per_s": 0}
    rates |= {"customer_orders_per_minute": 0, "courier_failures_per_minute": 0}
    rates |= {
        "sandbox_tax_bps": 0,
        "sandbox_shipping_base_minor": 0,
        "sandbox_shipping_per_unit_minor": 0,
    }  # the shop's
    with serving(web_settings.model_copy(update={"demo": True, **rates}), schema) as server:
        yield server


class Visitor(httpx.AsyncClient):
    """A browser that submits forms of this site's pages, with their token."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._tokens: dict[str, str] = {}

    async def post(self, url: httpx.URL | str, *, data: Any = None, **options: Any) -> httpx.Response:
        return await super().post(url, data={FIELD: await self.form_token(), **(data or {})}, **options)

    async def form_token(self) -> str:
        """The token of the start page, which stays valid as long as the cookies."""
        if (cookies := repr(self.cookies)) not in self._tokens:
            page = await self.get("/")
            while page.is_redirect:
                page = await self.get(page.headers["location"])
            cookies = repr(self.cookies)
            self._tokens[cookies] = hidden(page.text, FIELD)
        return self._tokens[cookies]


@asynccontextmanager
async def visiting(pages: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A visitor's browser; it follows no redirects, so that tests see them."""
    headers = {"Sec-Fetch-Site": "same-origin"}
    async with Visitor(base_url=pages.url, headers=headers, timeout=20, verify=NO_TLS) as browser:
        yield browser


@asynccontextmanager
async def persona(pages: Server, name: str) -> AsyncIterator[httpx.AsyncClient]:
    """The browser of a demo persona: customer, courier, manager or support."""
    async with visiting(pages) as browser:
        answer = await browser.post("/sign-in", data={"persona": name})
        assert answer.status_code == 303, answer.text
        yield browser


@asynccontextmanager
async def signed_in(pages: Server, shop: ShopUnderTest, viewer: Viewer) -> AsyncIterator[httpx.AsyncClient]:
    """The browser of a signed-in viewer."""
    secret = await session_of(shop.db, viewer)
    async with visiting(pages) as browser:
        browser.cookies.set(DEMO_COOKIE.name, secret)
        yield browser


@pytest.fixture(params=sorted(PERSONAS.keys() - {"customer"}))
def staff(request: pytest.FixtureRequest) -> str:
    """Each persona except the customer."""
    return str(request.param)


def hidden(html: str, name: str) -> str:
    """The value of the first field with that name."""
    found = re.search(rf'name="{re.escape(name)}"[^>]* value="([^"]*)"', html)
    assert found, f"no field {name!r} in {html}"
    return unescape(found[1])
