"""Rate limits of pages, live streams and the sign-in form, with a page that says when to try again."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from html import unescape
from typing import Any
from uuid import uuid4

import httpx
import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.identity import passwords
from oms.domain.vocabulary.actor import Role
from oms.platform.settings import Settings
from oms.schema.schema import schema
from oms.web.server import rate_limits as rate_limits_module
from oms.web.server.rate_limits import RateLimited
from tests.shop import ShopUnderTest
from tests.web.conftest import Server, account_of, serving
from tests.web.pages.conftest import persona, signed_in, visiting

PASSWORD = "four wet penguins juggle"
TOO_MANY = "There were too many attempts to sign in, or to enter a password. Try again in "


@pytest.fixture
def strict(web_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A web process with low limits and a long window."""
    monkeypatch.setattr(rate_limits_module, "_WINDOW_S", 60)
    little = {
        "demo": True,
        "person_requests_per_s": 4,
        "person_subscriptions": 2,
        "sign_in_rate": "3/hour",
        "trusted_proxies": ("127.0.0.1",),
    }
    with serving(web_settings.model_copy(update=little), schema) as server:
        yield server


async def sign_in(browser: httpx.AsyncClient, login: str, password: str) -> httpx.Response:
    return await browser.post(
        "/sign-in",
        data={"login": login, "password": password},
        headers={"X-Forwarded-For": f"::{uuid4().int % 9999:x}"},
    )


async def test_a_person_above_the_limit_learns_when_to_try_again(strict: Server, shop: ShopUnderTest) -> None:
    async with signed_in(strict, shop, Viewer("eager", Role.SUPPORT)) as browser:
        answers = [await browser.get("/support") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429]
    assert answers[-1].headers["retry-after"] == "60"
    assert answers[-1].headers["content-type"].startswith("text/html")
    assert "You may send 4 requests a second. Try again in 60 seconds." in answers[-1].text
    assert "eager" not in answers[-1].text


async def test_other_people_are_not_affected(strict: Server, shop: ShopUnderTest) -> None:
    async with signed_in(strict, shop, Viewer("eager", Role.SUPPORT)) as browser:
        assert [(await browser.get("/support")).status_code for _ in range(6)][-1] == 429
    async with signed_in(strict, shop, Viewer("calm", Role.SUPPORT)) as browser:
        assert (await browser.get("/support")).status_code == 200


async def test_visitors_pages_are_counted_by_address(web_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits_module, "_WINDOW_S", 60)
    update = {"demo": True, "stranger_requests_per_s": 3, "trusted_proxies": ("127.0.0.1",)}
    with serving(web_settings.model_copy(update=update), schema) as server:
        here, there = {"X-Forwarded-For": "203.0.113.5"}, {"X-Forwarded-For": "203.0.113.6"}
        async with visiting(server) as browser:
            paths = ["/", "/orders", "/live?on=orders", "/"]
            statuses = [(await browser.get(path, headers=here)).status_code for path in paths]
            assert statuses == [200, 303, 401, 429]
            assert (await browser.get("/", headers=there)).status_code == 200
            assert (await browser.get("/static/console.css", headers=here)).status_code == 200


async def test_a_live_page_above_the_limit_is_refused_and_closed_ones_are_released(
    strict: Server, shop: ShopUnderTest
) -> None:
    async with signed_in(strict, shop, Viewer("with many windows", Role.SUPPORT)) as browser, AsyncExitStack() as open_:
        for _ in range(2):
            stream = await open_.enter_async_context(browser.stream("GET", "/live?on=clock"))
            assert stream.status_code == 200
        refused = await browser.get("/live?on=clock")
        assert refused.status_code == 429
        assert "end one of them first" in refused.text


async def test_after_too_many_attempts_the_right_password_is_refused_as_well(
    strict: Server, shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is any verified: a refused attempt costs no hashing and reveals nothing."""
    login = (await account_of(shop.db, Viewer("ana", Role.SUPPORT), password=PASSWORD)).login
    looked_at: list[str] = []
    verify = passwords.verify

    async def watched(known: str | None, password: str, *lane: Any) -> Any:
        looked_at.append(password)
        return await verify(known, password, *lane)

    monkeypatch.setattr(passwords, "verify", watched)
    for name in (login, f"nobody-{uuid4().hex}"):
        looked_at.clear()
        async with visiting(strict) as browser:
            said = [await sign_in(browser, name, "wrong") for _ in range(3)]
            said.append(await sign_in(browser, name, PASSWORD))
        assert [answer.status_code for answer in said] == [422, 422, 422, 429]
        assert TOO_MANY in unescape(said[-1].text)
        assert int(said[-1].headers["retry-after"]) > 3000
        assert looked_at == ["wrong"] * 3


async def test_signing_in_does_not_reset_the_limit_of_an_address(web_settings: Settings, shop: ShopUnderTest) -> None:
    """The owner of one account can't use it to continue guessing others' passwords."""
    own = (await account_of(shop.db, Viewer("own", Role.SUPPORT), password=PASSWORD)).login
    update = {"demo": True, "sign_in_rate_from_address": "3/hour", "trusted_proxies": ("127.0.0.1",)}
    address = {"X-Forwarded-For": f"2001:db8:{uuid4().int % 65536:x}::1"}
    with serving(web_settings.model_copy(update=update), schema) as server:
        async with visiting(server) as browser:
            form = {"login": own, "password": PASSWORD}
            statuses = [
                (await browser.post("/sign-in", data=fields, headers=address)).status_code
                for fields in (
                    form | {"login": "another"},
                    form,
                    form | {"login": "a third"},
                    form | {"login": "a 4th"},
                )
            ]
    assert statuses == [422, 303, 422, 429]


async def test_attempts_to_enter_the_current_password_are_limited(strict: Server, shop: ShopUnderTest) -> None:
    query = 'mutation { changePassword(presentPassword: "guess", newPassword: "x") { userErrors { code } } }'
    async with persona(strict, "manager") as browser:
        strict.app.state.rate_limits._per_person = 0
        answers = [await httpx.AsyncClient.post(browser, "/graphql", json={"query": query}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    [error] = answers[-1].json()["errors"]
    assert error["extensions"]["code"] == "RATE_LIMITED"
    assert error["message"].startswith(TOO_MANY)


async def test_the_account_page_shows_the_limit(strict: Server, shop: ShopUnderTest) -> None:
    async with persona(strict, "support") as browser:
        new = "nine dry walruses hum"
        fields = {"presentPassword": "guess", "newPassword": new, "again": new}
        strict.app.state.rate_limits._per_person = 0
        answers = [await browser.post("/account/password", data=fields) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [422, 422, 422, 429]
    assert TOO_MANY in unescape(answers[-1].text)


def test_the_waiting_time_is_written_out() -> None:
    said = {seconds: RateLimited("No.", seconds).message for seconds in (0.2, 1, 1.1, 119, 120, 3599.2)}
    assert said == {
        0.2: "No. Try again in a second.",
        1: "No. Try again in a second.",
        1.1: "No. Try again in 2 seconds.",
        119: "No. Try again in 119 seconds.",
        120: "No. Try again in 2 minutes.",
        3599.2: "No. Try again in 60 minutes.",
    }
