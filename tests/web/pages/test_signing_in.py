"""Signing in and out by page: the cookie, messages, and the demo's notice."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.audit.model import OPERATOR
from oms.domain.identity import account_commands as accounts
from oms.domain.identity import passwords
from oms.domain.identity.accounts import NewAccount
from oms.domain.vocabulary.actor import Role
from oms.platform.settings import Settings
from oms.schema.schema import schema
from tests.shop import ShopUnderTest
from tests.web.conftest import COOKIE, DEMO_COOKIE, Server, account_of, serving, session_of
from tests.web.pages.conftest import Visitor, persona, signed_in, visiting

PASSWORD = "four wet penguins juggle"
NOTICE = "anybody can sign in as anybody"
ANY_RATE = {"sign_in_rate": "1000/minute", "sign_in_rate_from_address": "1000/minute"}


@pytest.fixture(scope="module")
def real(web_settings: Settings) -> Iterator[Server]:
    """Outside demo mode."""
    with serving(web_settings.model_copy(update=ANY_RATE), schema) as server:
        yield server


class Trusting(Visitor):
    """Sends all cookies, although the connection is not HTTPS."""

    def __init__(self, **options: Any) -> None:
        super().__init__(event_hooks={"request": [self._with_cookies]}, **options)

    async def _with_cookies(self, request: httpx.Request) -> None:
        request.headers["Cookie"] = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.cookies.jar)


@asynccontextmanager
async def arriving(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with Trusting(base_url=server.url, headers={"Sec-Fetch-Site": "same-origin"}, timeout=20) as browser:
        yield browser


def set_cookie(answer: httpx.Response, name: str) -> set[str]:
    """The attributes of the cookie that a response sets, without its value."""
    [header] = [each for each in answer.headers.get_list("set-cookie") if each.startswith(f"{name}=")]
    return set(header.lower().split("; ")[1:])


HOME = {Role.CUSTOMER: "/orders", Role.COURIER: "/courier", Role.MANAGER: "/home", Role.SUPPORT: "/home"}


@pytest.mark.parametrize("role", sorted(HOME))
async def test_login_and_password_lead_to_the_role_s_first_page(real: Server, shop: ShopUnderTest, role: Role) -> None:
    reference = "ana" if role == Role.CUSTOMER else None
    account = await account_of(shop.db, Viewer("ana", role, reference), password=PASSWORD)
    async with arriving(real) as browser:
        answer = await browser.post("/sign-in", data={"login": account.login.upper(), "password": PASSWORD})
        assert (answer.status_code, answer.headers["location"]) == (303, HOME[role])
        assert (await browser.get(HOME[role])).status_code == 200
        assert (await browser.get("/")).headers["location"] == HOME[role]


async def test_the_cookie_is_for_this_host_over_https_only_and_not_for_scripts(
    real: Server, shop: ShopUnderTest
) -> None:
    account = await account_of(shop.db, Viewer("ana", Role.SUPPORT), password=PASSWORD)
    async with arriving(real) as browser:
        answer = await browser.post("/sign-in", data={"login": account.login, "password": PASSWORD})
    assert COOKIE.name == "__Host-oms_session"
    assert set_cookie(answer, COOKIE.name) == {"httponly", "max-age=86400", "path=/", "samesite=lax", "secure"}


async def test_in_a_demo_the_cookie_works_over_http(pages: Server, shop: ShopUnderTest) -> None:
    async with visiting(pages) as browser:
        answer = await browser.post("/sign-in", data={"persona": "courier"})
    assert set_cookie(answer, DEMO_COOKIE.name) == {"httponly", "max-age=86400", "path=/", "samesite=lax"}


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("nobody", PASSWORD),
        ("ana", "wrong"),
        ("ana", ""),
        ("", ""),
        ("out", PASSWORD),
        ("a" + "\u0345" * 5_000, "wrong"),
    ],
)
async def test_every_failed_sign_in_gets_the_same_message(
    real: Server, shop: ShopUnderTest, login: str, password: str
) -> None:
    for name in ("ana", "out"):
        async with shop.db.transaction() as tx:
            new = NewAccount(name, name, Role.SUPPORT)
            account = await accounts.add(tx, OPERATOR, new, await passwords.hashed(PASSWORD))
            await accounts.set_disabled(tx, OPERATOR, account.id, disabled=name == "out")
    async with arriving(real) as browser:
        answer = await browser.post("/sign-in", data={"login": login, "password": password})
        assert answer.status_code == 422
        assert "There is no account with this login and password." in answer.text
        assert f'name="login" value="{login}"' in answer.text
        assert password == "" or password not in answer.text
        assert COOKIE.name not in browser.cookies


async def test_sign_in_always_creates_a_new_session(real: Server, shop: ShopUnderTest) -> None:
    account = await account_of(shop.db, Viewer("ana", Role.SUPPORT), password=PASSWORD)
    async with arriving(real) as browser:
        browser.cookies.set(COOKIE.name, planted := "x" * 43, domain="127.0.0.1", path="/")
        await browser.post("/sign-in", data={"login": account.login, "password": PASSWORD})
        first = browser.cookies[COOKIE.name]
        assert first != planted
        await browser.post("/sign-in", data={"login": account.login, "password": PASSWORD})
        second = browser.cookies[COOKIE.name]
    assert second != first
    assert len(await shop.rows("SELECT id FROM sessions WHERE ended_at IS NULL")) == 1


async def test_sign_out_ends_the_session_and_not_only_the_cookie(real: Server, shop: ShopUnderTest) -> None:
    secret = await session_of(shop.db, Viewer("ana", Role.SUPPORT))
    async with arriving(real) as browser:
        browser.cookies.set(COOKIE.name, secret, domain="127.0.0.1", path="/")
        assert (await browser.get("/support")).status_code == 200
        answer = await browser.post("/sign-out")
        assert "max-age=0" in set_cookie(answer, COOKIE.name)
        browser.cookies.set(COOKIE.name, secret, domain="127.0.0.1", path="/")
        assert (await browser.get("/support")).headers["location"] == "/?next=/support"


async def test_a_token_is_no_session(real: Server, shop: ShopUnderTest, token: str) -> None:
    async with arriving(real) as browser:
        browser.cookies.set(COOKIE.name, token, domain="127.0.0.1", path="/")
        assert (await browser.get("/support")).headers["location"] == "/?next=/support"
        assert (await browser.post("/sign-in", data={"token": token})).status_code == 422


async def test_personas_do_not_exist_outside_a_demo(real: Server, shop: ShopUnderTest) -> None:
    async with arriving(real) as browser:
        assert "persona" not in (await browser.get("/")).text
        answer = await browser.post("/sign-in", data={"persona": "manager"})
        assert answer.status_code == 422
        assert COOKIE.name not in browser.cookies


async def test_without_any_account_the_start_page_explains_how_to_create_the_first(
    real: Server, shop: ShopUnderTest
) -> None:
    async with arriving(real) as browser:
        assert "python -m oms user add" in (await browser.get("/")).text
        await account_of(shop.db, Viewer("ana", Role.SUPPORT))
        assert "python -m oms user add" not in (await browser.get("/")).text


EVERY_HOME = ("/", "/account", "/orders", "/orders/new", "/courier", "/support", "/support/parked", "/manager",
              "/manager/stock", "/manager/operations")  # fmt: skip


@pytest.mark.parametrize("name", ["customer", "courier", "manager", "support"])
async def test_a_demo_says_so_on_every_page(pages: Server, shop: ShopUnderTest, name: str) -> None:
    async with visiting(pages) as visitor:
        assert NOTICE in (await visitor.get("/")).text
    async with persona(pages, name) as browser:
        for address in EVERY_HOME[1:]:
            page = await browser.get(address)
            assert NOTICE in page.text, (address, page.status_code)


async def test_outside_a_demo_no_page_mentions_it(real: Server, shop: ShopUnderTest) -> None:
    secret = await session_of(shop.db, Viewer("ana", Role.MANAGER))
    async with arriving(real) as browser:
        assert NOTICE not in (await browser.get("/")).text
        browser.cookies.set(COOKIE.name, secret, domain="127.0.0.1", path="/")
        for address in EVERY_HOME[1:]:
            assert NOTICE not in (await browser.get(address)).text


async def test_sign_ins_are_in_the_audit_log_without_the_entered_values(real: Server, shop: ShopUnderTest) -> None:
    account = await account_of(shop.db, Viewer("ana", Role.SUPPORT), password=PASSWORD)
    async with arriving(real) as browser:
        await browser.post("/sign-in", data={"login": "my password by mistake", "password": "whatever it is"})
        await browser.post("/sign-in", data={"login": account.login, "password": "wrong one"})
        await browser.post("/sign-in", data={"login": account.login, "password": PASSWORD})
        await browser.post("/sign-out")
    trail = await shop.rows("SELECT * FROM audit_events ORDER BY id")
    of_sessions = "SELECT action, subject, principal FROM audit_events WHERE action LIKE 'Sign%' ORDER BY id"
    told = await shop.rows(of_sessions)
    ana = f"account:{account.id}"
    assert told == [
        ("SignInFailed", "", "nobody"),
        ("SignInFailed", ana, "nobody"),
        ("SignedIn", ana, ana),
        ("SignedOut", ana, ana),
    ]
    for typed in ("mistake", "whatever", "wrong one", PASSWORD, account.login):
        assert typed not in repr(trail)


async def test_automatic_refreshes_do_not_count_as_activity(pages: Server, shop: ShopUnderTest) -> None:
    async with signed_in(pages, shop, Viewer("ana", Role.MANAGER)) as browser:
        await shop.execute("UPDATE sessions SET last_seen_at = last_seen_at - interval '2 min'")
        before = await shop.rows("SELECT last_seen_at FROM sessions")
        headers = {"HX-Request": "true", "HX-Source": "main#page"}
        assert (await browser.get("/manager/operations", headers=headers)).status_code == 200
        assert await shop.rows("SELECT last_seen_at FROM sessions") == before
        assert (await browser.get("/manager/operations")).status_code == 200
        assert await shop.rows("SELECT last_seen_at FROM sessions") != before
