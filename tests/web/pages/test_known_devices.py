"""Floods of sign-ins: bounded queues, and browsers in which the owner has signed in before keep their own way in."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from html import unescape

import httpx
import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.audit.model import OPERATOR
from oms.domain.identity import account_commands as accounts
from oms.domain.identity import passwords, session_commands
from oms.domain.identity.accounts import Account
from oms.domain.identity.signing_in import device_store, hashing
from oms.domain.identity.signing_in.known_devices import MAX_DEVICES, MAX_PEOPLE
from oms.domain.vocabulary.actor import Role
from oms.platform.settings import Settings
from oms.schema.schema import schema
from oms.web.auth.credentials import DeviceCookie
from tests.shop import ShopUnderTest
from tests.web.conftest import Server, account_of, serving, until
from tests.web.pages.conftest import visiting
from tests.web.pages.test_signing_in import set_cookie

PASSWORD = "four wet penguins juggle"
DEVICE = DeviceCookie(secure=False).name


@pytest.fixture
def server(web_settings: Settings) -> Iterator[Server]:
    """A login may be tried twice an hour; the address as often as one likes."""
    rates = {"sign_in_rate": "2/hour", "sign_in_rate_from_address": "1000/minute", "stranger_requests_per_s": 0}
    with serving(web_settings.model_copy(update={"demo": True, **rates}), schema) as running:
        yield running


async def ana(shop: ShopUnderTest, name: str = "ana") -> Account:
    return await account_of(shop.db, Viewer(name, Role.SUPPORT), password=PASSWORD)


async def sign_in(browser: httpx.AsyncClient, account: Account, password: str = PASSWORD) -> httpx.Response:
    return await browser.post("/sign-in", data={"login": account.login, "password": password})


@asynccontextmanager
async def known(server: Server, *owners: Account) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which each of them has signed in, one after the other."""
    async with visiting(server) as browser:
        for owner in owners:
            assert (await sign_in(browser, owner)).status_code == 303
        yield browser


async def lock_out(server: Server, account: Account) -> None:
    """Strangers guess until the login's attempts are used up."""
    async with visiting(server) as stranger:
        while (await sign_in(stranger, account, "a guess")).status_code != 429:
            pass


@contextmanager
def busy(lane: hashing.Lane) -> Iterator[None]:
    """The lane's thread hashes without end."""
    ends = threading.Event()
    lane._thread.submit(ends.wait)
    try:
        yield
    finally:
        ends.set()


@contextmanager
def full(lane: hashing.Lane, *, but: int = 0) -> Iterator[None]:
    """All places of the lane are taken, except for some."""
    with ExitStack() as stack:
        for _ in range(hashing.PLACES - but):
            stack.enter_context(lane.place())
        yield


async def test_a_full_queue_refuses_at_once_and_says_what_to_do(server: Server, shop: ShopUnderTest) -> None:
    account = await ana(shop)
    async with visiting(server) as browser:
        with full(hashing.STRANGERS):
            refused = await sign_in(browser, account)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert "Try again in 5 seconds, or now in a browser in which you have signed in before" in refused.text
        guesses = [await sign_in(browser, account, "a guess") for _ in range(3)]
        assert [guess.status_code for guess in guesses] == [422, 422, 429], "a refused attempt is not counted"


async def test_an_attempt_has_a_place_until_it_is_answered(server: Server, shop: ShopUnderTest) -> None:
    account = await ana(shop)
    async with visiting(server) as first, visiting(server) as second, asyncio.TaskGroup() as waiting:
        await second.get("/")
        with full(hashing.STRANGERS, but=1), busy(hashing.STRANGERS):
            attempt = waiting.create_task(sign_in(first, account))
            await until(lambda: hashing.STRANGERS._places._value == 0)
            assert (await sign_in(second, account)).status_code == 503
    assert (await attempt).status_code == 303


async def test_strangers_do_not_delay_a_known_device(server: Server, shop: ShopUnderTest) -> None:
    account = await ana(shop)
    async with known(server, account) as browser:
        with busy(hashing.STRANGERS):
            assert (await sign_in(browser, account)).status_code == 303


async def test_wrong_attempts_elsewhere_do_not_keep_the_owner_out(server: Server, shop: ShopUnderTest) -> None:
    account = await ana(shop)
    async with known(server, account) as browser, visiting(server) as elsewhere:
        await lock_out(server, account)
        refused = await sign_in(elsewhere, account)
        assert refused.status_code == 429
        assert "or now in a browser in which you have signed in before" in unescape(refused.text)
        assert (await sign_in(browser, account)).status_code == 303


async def test_a_known_device_has_no_more_guesses_than_others(server: Server, shop: ShopUnderTest) -> None:
    account = await ana(shop)
    async with known(server, account) as browser:
        guesses = [await sign_in(browser, account, "a guess") for _ in range(3)]
    assert [guess.status_code for guess in guesses] == [422, 422, 429]


async def test_the_cookie_is_bound_to_its_login(server: Server, shop: ShopUnderTest) -> None:
    """An attacker's own account gives no attempts with another."""
    own, victim = await ana(shop, "mallory"), await ana(shop)
    async with known(server, own) as browser:
        await lock_out(server, victim)
        assert (await sign_in(browser, victim)).status_code == 429


async def test_a_shared_browser_knows_the_last_few_people(server: Server, shop: ShopUnderTest) -> None:
    people = [await ana(shop, f"courier-{number}") for number in range(MAX_PEOPLE + 1)]
    async with known(server, *people) as browser:
        for person in people:
            await lock_out(server, person)
        statuses = [(await sign_in(browser, person)).status_code for person in people]
    assert statuses == [429, *[303] * MAX_PEOPLE]


async def test_the_secret_changes_with_each_sign_in_and_is_stored_as_a_hash(
    server: Server, shop: ShopUnderTest
) -> None:
    account = await ana(shop)
    async with known(server, account) as browser:
        first = browser.cookies[DEVICE]
        answer = await sign_in(browser, account)
        assert set_cookie(answer, DEVICE) == {"httponly", "max-age=7776000", "path=/", "samesite=lax"}
        assert browser.cookies[DEVICE] != first
    stored = await shop.rows("SELECT hash FROM known_devices")
    assert len(stored) == 1
    assert first.encode() not in repr(stored).encode()
    assert DeviceCookie(secure=True).name == "__Host-oms_device"


@pytest.mark.parametrize("change", ["password", "role", "signed out by the operator"])
async def test_it_is_forgotten_when_the_owner_may_be_another(server: Server, shop: ShopUnderTest, change: str) -> None:
    account = await ana(shop)
    async with known(server, account) as browser:
        async with shop.db.transaction() as tx:
            match change:
                case "password":
                    await accounts.set_password(tx, OPERATOR, account.id, await passwords.hashed(PASSWORD))
                case "role":
                    await accounts.set_role(tx, OPERATOR, account.id, Role.MANAGER, None)
                case _:
                    await session_commands.end_all(tx, OPERATOR, account)
        await lock_out(server, account)
        assert (await sign_in(browser, account)).status_code == 429


async def test_an_account_has_a_bounded_number_of_devices_and_old_ones_are_deleted(
    server: Server, shop: ShopUnderTest
) -> None:
    account = await ana(shop)
    async with shop.db.transaction() as tx:
        for number in range(MAX_DEVICES + 3):
            await device_store.add(tx, bytes([number]), account.id, lifetime=timedelta(days=1), keep=MAX_DEVICES)
    kept = await shop.rows("SELECT hash FROM known_devices ORDER BY created_at")
    assert [row[0][0] for row in kept] == list(range(3, MAX_DEVICES + 3))
    await shop.execute("UPDATE known_devices SET expires_at = created_at WHERE hash < '\\x0a'")
    async with shop.db.transaction() as tx:
        assert await device_store.delete_old(tx, limit=100) == 7


async def test_a_forged_cookie_is_a_stranger_s(server: Server, shop: ShopUnderTest) -> None:
    account = await ana(shop)
    await lock_out(server, account)
    async with visiting(server) as browser:
        for value in ("", ".", "x" * 43, "." * 400, "x" * 5000):
            browser.cookies.set(DEVICE, value, domain="127.0.0.1", path="/")
            assert (await sign_in(browser, account)).status_code == 429


async def test_changing_the_password_waits_in_a_bounded_queue_too(server: Server, shop: ShopUnderTest) -> None:
    account = await ana(shop)
    query = 'mutation { changePassword(presentPassword: "a", newPassword: "b") { userErrors { code } } }'
    async with known(server, account) as browser:
        with full(hashing.KNOWN):
            answer = await httpx.AsyncClient.post(browser, "/graphql", json={"query": query})
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
    assert "Try again in 5 seconds." in answer.json()["errors"][0]["message"]
