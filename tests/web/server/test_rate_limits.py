"""Rate limits of requests, cost, subscriptions and sign-in attempts, counted by all processes together."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any
from unittest import mock
from uuid import uuid4

import httpx
import orjson
import pytest
from redis.asyncio import Redis
from starlette.requests import HTTPConnection
from structlog.testing import capture_logs
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from oms.domain.access.permissions import Viewer
from oms.domain.vocabulary.actor import Role
from oms.platform.db import Database
from oms.platform.listening import listen, port_of
from oms.platform.settings import Settings, SettingsInvalid, load_settings
from oms.schema.schema import schema as whole_schema
from oms.tools.dev_services.embedded.ports import free_port
from oms.web.graphql import websocket as graphql_ws
from oms.web.server import rate_limits as rate_limits_module
from oms.web.server import shared_counters
from oms.web.server.rate_limits import RateLimited, RateLimitedError, RateLimits, client_address
from oms.web.server.shared_counters import SharedCounters
from tests.web.conftest import Server, issued, serving, until

TOO_MANY = "There were too many attempts to sign in, or to enter a password."

QUERY = {"query": '{ echo(text: "x") }'}
COUNTING = {"query": "subscription { fraudSettings }"}

PATIENT_S = 30.0
"""On a busy machine Redis may take longer to answer than a web process waits for it."""

LIMITS = ("machine_requests_per_s", "person_requests_per_s", "stranger_requests_per_s", "sign_in_rate",
          "sign_in_rate_from_address", "machine_cost_per_s", "person_cost_per_s")  # fmt: skip


def person(role: Role = Role.SUPPORT) -> Viewer:
    return Viewer("somebody", role, principal=f"account:{uuid4()}")


def machine() -> Viewer:
    return Viewer("cart", Role.SERVICE, principal=f"token:{uuid4()}")


class CountingCounters(SharedCounters):
    """Counts the requests to Redis."""

    asked = 0

    async def add(self, key: str, amount: int, *, window_s: int) -> int:
        self.asked += 1
        return await super().add(key, amount, window_s=window_s)


@asynccontextmanager
async def process(
    redis_url: str, *, redis_timeout_s: float = PATIENT_S, **limits: Any
) -> AsyncIterator[tuple[RateLimits, CountingCounters]]:
    """The limits of one web process; others have their defaults, whatever the tests' environment sets."""
    defaults = {name: Settings.model_fields[name].default for name in LIMITS}
    with mock.patch.object(shared_counters, "TIMEOUT_S", redis_timeout_s):
        counts = CountingCounters(redis_url)
    try:
        yield RateLimits(load_settings(**(defaults | limits)), counts), counts
    finally:
        await counts.close()


@pytest.fixture
def long_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window longer than any test, however slow the machine."""
    monkeypatch.setattr(rate_limits_module, "_WINDOW_S", 60)


async def admitted(asking: Callable[[], Any], times: int) -> int:
    """How many of `times` concurrent requests were admitted."""
    outcomes = await asyncio.gather(*(asking() for _ in range(times)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, RateLimited)]
    assert len(refused) + outcomes.count(None) == times, outcomes
    return outcomes.count(None)


# requests


async def test_a_person_s_queries_wait_for_one_another_and_not_those_of_others(redis_url: str) -> None:
    async with process(redis_url) as (rates, _):
        busy, other = person(), person()
        running = 0

        async def query() -> None:
            nonlocal running
            async with rates.queries_of(busy):
                running += 1
                await asyncio.sleep(3600)

        queries = [asyncio.create_task(query()) for _ in range(10)]
        await asyncio.sleep(0.01)
        assert running == rate_limits_module.QUERIES_AT_ONCE
        async with rates.queries_of(other):
            queries[0].cancel()
            await until(lambda: running == rate_limits_module.QUERIES_AT_ONCE + 1)
        for each in queries:
            each.cancel()
        await asyncio.gather(*queries, return_exceptions=True)


@pytest.mark.usefixtures("long_second")
async def test_all_processes_together_admit_a_person_s_limit(redis_url: str) -> None:
    viewer = person()
    async with (
        process(redis_url, person_requests_per_s=50) as (one, _),
        process(redis_url, person_requests_per_s=50) as (other, _),
    ):
        in_one, in_other = await asyncio.gather(
            admitted(lambda: one.count_request(viewer), 100), admitted(lambda: other.count_request(viewer), 100)
        )
    assert in_one > 0
    assert in_other > 0
    assert in_one + in_other == 50


@pytest.mark.usefixtures("long_second")
async def test_callers_have_separate_limits(redis_url: str) -> None:
    async with process(redis_url, person_requests_per_s=5) as (rates, _):
        noisy, quiet = person(), person()
        assert await admitted(lambda: rates.count_request(noisy), 20) == 5
        assert await admitted(lambda: rates.count_request(quiet), 5) == 5


@pytest.mark.usefixtures("long_second")
async def test_a_busy_machine_needs_few_requests_to_redis(redis_url: str) -> None:
    async with process(redis_url) as (rates, counts):
        viewer = machine()
        assert await admitted(lambda: rates.count_request(viewer), 4_000) == 4_000
        assert counts.asked <= 20


@pytest.mark.usefixtures("long_second")
async def test_a_refused_caller_is_refused_again_without_redis(redis_url: str) -> None:
    async with process(redis_url, stranger_requests_per_s=3) as (rates, counts):
        address = str(uuid4())
        assert await admitted(lambda: rates.count_anonymous(address), 100) == 3
        asked = counts.asked
        assert await admitted(lambda: rates.count_anonymous(address), 1_000) == 0
        assert counts.asked == asked


async def test_without_a_limit_redis_is_not_asked(redis_url: str) -> None:
    async with process(redis_url, machine_requests_per_s=0) as (rates, counts):
        assert await admitted(lambda: rates.count_request(machine()), 1_000) == 1_000
        assert counts.asked == 0


@pytest.mark.parametrize("permits", [1, 5])
async def test_a_renewal_that_outlasts_its_window_is_no_refusal(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, permits: int
) -> None:
    now = 0.0

    async def slowly(self: SharedCounters, key: str, amount: int, *, window_s: int) -> int:
        nonlocal now
        now += 2.0
        return amount

    monkeypatch.setattr(SharedCounters, "add", slowly)
    counts = SharedCounters(redis_url)
    rates = RateLimits(load_settings(person_requests_per_s=50), counts, clock=lambda: now)
    viewer = person()
    for _ in range(permits):
        await rates.count_request(viewer)
    await counts.close()


async def test_requests_are_admitted_after_the_stated_time(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits_module, "_WINDOW_S", 1)  # servers of this module may have a longer one still
    async with process(redis_url, person_requests_per_s=2) as (rates, _):
        viewer = person()
        while not (outcome := await asyncio.gather(rates.count_request(viewer), return_exceptions=True))[0]:
            pass
        [refusal] = outcome
        assert isinstance(refusal, RateLimited)
        assert refusal.message.endswith("Try again in a second.")
        await asyncio.sleep(int(refusal.headers["Retry-After"]))
        await rates.count_request(viewer)


@pytest.mark.usefixtures("long_second")
async def test_without_redis_each_process_counts_alone_and_logs_that_once(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = f"redis://127.0.0.1:{free_port(0)}/0"
    monkeypatch.setattr(shared_counters, "RETRY_AFTER_S", 0.0)  # so that it is tried each time
    with capture_logs() as logs:
        async with process(nowhere, person_requests_per_s=20) as (rates, _):
            for viewer in (person(), person()):
                assert await admitted(lambda viewer=viewer: rates.count_request(viewer), 50) == 20  # type: ignore[misc]
    assert [line["event"] for line in logs] == ["Redis is away: each web process counts requests alone"]


@pytest.mark.usefixtures("long_second")
async def test_an_unresponsive_redis_does_not_delay_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    with listen("127.0.0.1", 0, variable="OMS_PORT") as silent, capture_logs():
        url, timeout_s = f"redis://127.0.0.1:{port_of(silent)}/0", shared_counters.TIMEOUT_S
        async with process(url, redis_timeout_s=timeout_s, person_requests_per_s=20) as (rates, _):
            async with asyncio.timeout(timeout_s * 16):  # if each waited, it would be 20
                assert await admitted(lambda: rates.count_request(person()), 20) == 20


async def test_when_redis_is_back_processes_share_counters_again(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_counters, "RETRY_AFTER_S", 0.0)
    async with process(redis_url) as (_, counts):
        key = str(uuid4())
        with monkeypatch.context() as cut, capture_logs() as logs:
            cut.setattr(counts, "_shared", SharedCounters(f"redis://127.0.0.1:{free_port(0)}/0")._shared)
            assert await counts.add(key, 7, window_s=60) == 7
        with capture_logs() as later:
            assert await counts.add(key, 1, window_s=60) == 1
        assert [line["log_level"] for line in (*logs, *later)] == ["warning", "info"]


# customers' orders


async def test_a_customer_places_so_many_orders_in_a_minute_by_all_tokens_and_processes(redis_url: str) -> None:
    customer = f"customer-{uuid4()}"
    by_token, by_page = (
        Viewer("ana", Role.CUSTOMER, customer, principal=f"{kind}:{uuid4()}") for kind in ("token", "account")
    )
    async with (
        process(redis_url, customer_orders_per_minute=30) as (one, _),
        process(redis_url, customer_orders_per_minute=30) as (other, _),
    ):
        assert await spent(lambda: one.count_placing(by_token, 10), 1) == 1
        assert await spent(lambda: other.count_placing(by_page, 1), 25) == 20
        assert await spent(lambda: one.count_placing(by_token, 1), 5) == 0
        with pytest.raises(RateLimitedError) as refused:
            await one.count_placing(by_token, 1)
        assert int(refused.value.refusal.headers["Retry-After"]) <= 60
        await one.count_placing(Viewer("ben", Role.CUSTOMER, f"customer-{uuid4()}"), 30)
    async with process(redis_url, customer_orders_per_minute=0) as (unlimited, _):
        await unlimited.count_placing(by_token, 1_000)


async def test_a_courier_reports_so_many_failures_in_a_minute(redis_url: str) -> None:
    async with process(redis_url, courier_failures_per_minute=5) as (rates, _):
        courier = person(Role.COURIER)
        assert await spent(lambda: rates.count_failure(courier), 20) == 5
        assert await spent(lambda: rates.count_failure(person(Role.COURIER)), 5) == 5


# cost


async def spent(spending: Callable[[], Any], times: int) -> int:
    """How many of `times` concurrent operations were admitted."""
    outcomes = await asyncio.gather(*(spending() for _ in range(times)), return_exceptions=True)
    refused = [outcome for outcome in outcomes if isinstance(outcome, RateLimitedError)]
    assert len(refused) + outcomes.count(None) == times, outcomes
    return outcomes.count(None)


@pytest.mark.usefixtures("long_second")
async def test_all_processes_together_admit_a_person_s_cost_limit(redis_url: str) -> None:
    viewer = person()
    async with process(redis_url) as (one, _), process(redis_url) as (other, _):
        in_one, in_other = await asyncio.gather(
            spent(lambda: one.count_cost(viewer, 6_500), 30), spent(lambda: other.count_cost(viewer, 6_500), 30)
        )
    assert in_one > 0
    assert in_other > 0
    assert in_one + in_other == 130_000 // 6_500


@pytest.mark.usefixtures("long_second")
async def test_remaining_permits_can_be_spent_after_an_expensive_operation_was_refused(redis_url: str) -> None:
    async with process(redis_url) as (rates, counts):
        viewer = person()
        assert await spent(lambda: rates.count_cost(viewer, 50_000), 3) == 2
        asked = counts.asked
        assert await spent(lambda: rates.count_cost(viewer, 50_000), 100) == 0
        assert await spent(lambda: rates.count_cost(viewer, 15_000), 3) == 2
        assert counts.asked == asked


@pytest.mark.usefixtures("long_second")
async def test_callers_have_separate_cost_limits(redis_url: str) -> None:
    async with process(redis_url) as (rates, _):
        noisy, quiet = person(), person()
        assert await spent(lambda: rates.count_cost(noisy, 70_000), 3) == 1
        assert await spent(lambda: rates.count_cost(quiet, 70_000), 1) == 1


@pytest.mark.usefixtures("long_second")
async def test_pages_never_exceed_the_cost_limit(redis_url: str) -> None:
    """A page's cost is not counted, even for a viewer who has spent everything."""
    async with process(redis_url) as (rates, counts):
        viewer = person()
        assert await spent(lambda: rates.count_cost(viewer, 130_000), 2) == 1
        asked = counts.asked
        assert await spent(lambda: rates.count_cost(viewer, 1_500), 50) == 50
        assert counts.asked == asked


@pytest.mark.usefixtures("long_second")
async def test_a_machine_that_places_thousands_of_orders_needs_few_requests_to_redis(redis_url: str) -> None:
    async with process(redis_url) as (rates, counts):
        viewer = machine()
        assert await spent(lambda: rates.count_cost(viewer, 250), 4_000) == 4_000
        assert counts.asked <= 25
        assert await spent(lambda: rates.count_cost(viewer, 250), 1) == 0


@pytest.mark.usefixtures("long_second")
async def test_an_operation_above_the_limit_takes_a_whole_second(redis_url: str) -> None:
    async with process(redis_url, person_cost_per_s=10_000) as (rates, _):
        viewer = person()
        assert await spent(lambda: rates.count_cost(viewer, 60_000), 2) == 1


async def test_without_a_cost_limit_redis_is_not_asked(redis_url: str) -> None:
    async with process(redis_url, machine_cost_per_s=0) as (rates, counts):
        assert await spent(lambda: rates.count_cost(machine(), 120_000), 1_000) == 1_000
        assert counts.asked == 0


# subscriptions


async def test_subscriptions_are_limited_and_ended_ones_are_released(redis_url: str) -> None:
    async with process(redis_url, person_subscriptions=2, machine_subscriptions=3) as (rates, _):
        viewer = person()
        with rates.subscription(viewer):
            with rates.subscription(viewer):
                with pytest.raises(RateLimited, match="end one of them first"), rates.subscription(viewer):
                    pass
                with rates.subscription(person()):
                    pass
            with rates.subscription(viewer):
                pass
        assert not rates._open


# signing in


async def try_often(rates: RateLimits, login: str, address: str, times: int) -> list[str]:
    """Each attempt's message; empty if it was admitted."""
    said = []
    for _ in range(times):
        try:
            await rates.count_sign_in(login, address)
        except RateLimited as refusal:
            said.append(refusal.message)
        else:
            said.append("")
    return said


async def test_a_login_can_be_tried_five_times_a_minute_from_all_addresses_together(redis_url: str) -> None:
    async with process(redis_url) as (one, _), process(redis_url) as (other, _):
        login = f"{uuid4()}@example.com"
        assert await try_often(one, login, str(uuid4()), 3) == ["", "", ""]
        [*good, bad] = await try_often(other, login, str(uuid4()), 3)
        assert good == ["", ""]
        assert bad.startswith("There were too many attempts to sign in, or to enter a password. Try again in ")
        assert bad.endswith(" seconds, or now in a browser in which you have signed in before.")


async def test_a_known_device_has_a_count_of_its_own(redis_url: str) -> None:
    """Whatever strangers try, with the login or from the address, its owner can sign in; and guesses no more there."""
    device, address, login = os.urandom(32), str(uuid4()), str(uuid4())
    async with process(redis_url, sign_in_rate="2/minute", sign_in_rate_from_address="3/minute") as (rates, _):
        assert all((await try_often(rates, login, address, 5))[3:])
        for _ in range(2):
            await rates.count_sign_in_of_device(device)
        with pytest.raises(RateLimited, match=r"Try again in \d+ seconds\.$"):
            await rates.count_sign_in_of_device(device)
        await rates.count_sign_in_of_device(os.urandom(32))


async def test_spellings_of_a_login_share_a_limit(redis_url: str) -> None:
    async with process(redis_url, sign_in_rate="2/minute") as (rates, _):
        name = uuid4().hex
        await try_often(rates, f"{name}@example.com", str(uuid4()), 1)
        await try_often(rates, f" {name.upper()}@Ｅxample.com ", str(uuid4()), 1)
        assert (await try_often(rates, f"{name}@example.com", str(uuid4()), 1))[0]


async def test_the_wait_grows_with_the_attempts(redis_url: str) -> None:
    async with process(redis_url, sign_in_rate="2/second; 4/hour") as (rates, _):
        login = str(uuid4())
        while "minutes" not in (said := (await try_often(rates, login, str(uuid4()), 1))[0]):
            assert said == "" or TOO_MANY in said
            assert said == "" or "Try again in a second, or " in said
            await asyncio.sleep(0.05)
        assert said.startswith(f"{TOO_MANY} Try again in 60 minutes, or ")


async def test_an_address_that_tries_many_logins_is_limited_and_locks_none_of_them(redis_url: str) -> None:
    async with process(redis_url, sign_in_rate_from_address="10/minute") as (rates, _):
        address, victim = str(uuid4()), str(uuid4())
        tries = [(await try_often(rates, str(uuid4()), address, 1))[0] for _ in range(10)]
        assert tries == [""] * 10
        assert all(await try_often(rates, victim, address, 10))
        assert await try_often(rates, victim, str(uuid4()), 5) == [""] * 5


async def test_entered_logins_are_not_stored(redis_url: str) -> None:
    async with process(redis_url) as (rates, _), Redis.from_url(redis_url) as redis:
        await rates.count_sign_in("my-password-by-mistake", str(uuid4()))
        keys = [key async for key in redis.scan_iter("*sign-in*")]
        assert keys
        assert not any(b"by-mistake" in key for key in keys)


@pytest.mark.parametrize("rate", ["", "5", "5/fortnight", "0/minute", "5/minute;", "5 per minute"])
def test_an_invalid_rate_prevents_the_start(rate: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"OMS_SIGN_IN_RATE .*must be rates like"):
        load_settings(sign_in_rate=rate)


# addresses


@pytest.mark.parametrize(
    ("peer", "counted_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("a socket", "a socket"),
    ],
)
def test_an_ipv6_address_counts_as_its_network(peer: str, counted_as: str) -> None:
    assert client_address(HTTPConnection({"type": "http", "client": (peer, 1234)})) == counted_as


def test_connections_without_an_address_share_a_limit() -> None:
    assert client_address(HTTPConnection({"type": "http", "client": None})) == "unknown"


# over every transport


@pytest.fixture(scope="module")
def strict(web_settings: Settings) -> Iterator[Server]:
    """A web process with low limits and a long window."""
    little = {
        "machine_requests_per_s": 4,
        "stranger_requests_per_s": 3,
        "machine_subscriptions": 2,
        "trusted_proxies": ("127.0.0.1",),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rate_limits_module, "_WINDOW_S", 60)
        with serving(web_settings.model_copy(update=little)) as server:
            yield server


@asynccontextmanager
async def caller(server: Server, token: str | None = None, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
    if token:
        headers["Authorization"] = f"Bearer {token}"
    async with httpx.AsyncClient(base_url=server.url, headers=headers, timeout=20) as client:
        yield client


async def test_a_request_above_the_limit_is_refused_with_retry_after(strict: Server, db: Database) -> None:
    async with caller(strict, await issued(db)) as client:
        answers = [await client.post("/graphql", json=QUERY) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200, 429]
    [error] = answers[-1].json()["errors"]
    assert error["extensions"] == {"code": "RATE_LIMITED"}
    assert error["message"] == "You may send 4 requests a second. Try again in 60 seconds."
    assert answers[-1].headers["retry-after"] == "60"


DEAR = {"query": "{ orders(first: 100) { nodes { id status } } }"}  # 10 + 1 + 100 * 2


@pytest.fixture(scope="module")
def frugal(web_settings: Settings) -> Iterator[Server]:
    """A web process with the whole schema, whose cost limit allows two such operations in its long window."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rate_limits_module, "_WINDOW_S", 60)
        with serving(web_settings.model_copy(update={"machine_cost_per_s": 440}), whole_schema) as server:
            yield server


async def test_an_operation_above_the_cost_limit_is_refused_with_retry_after(frugal: Server, db: Database) -> None:
    async with caller(frugal, await issued(db)) as client:
        answers = [await client.post("/graphql", json=DEAR) for _ in range(3)]
        cheap = await client.post("/graphql", json={"query": "{ viewer { name } }"})
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].json()["extensions"]["cost"]["requested"] == 211
    message = "This costs 211; you may spend 440 a second. Try again in 60 seconds."
    assert answers[-1].json() == {"errors": [{"message": message, "extensions": {"code": "RATE_LIMITED"}}]}
    assert answers[-1].headers["retry-after"] == "60"
    assert (cheap.status_code, cheap.json()["data"]["viewer"]["name"]) == (200, "tester")


async def test_over_streams_only_the_operation_above_the_cost_limit_fails(frugal: Server, db: Database) -> None:
    token = await issued(db)
    async with connected(frugal, token) as socket:
        for key in ("one", "two"):
            await send(socket, type="subscribe", id=key, payload=DEAR)
            assert [(await receive(socket))["type"] for _ in range(2)] == ["next", "complete"]
        await send(socket, type="subscribe", id="three", payload=DEAR)
        refusal = await receive(socket)
        assert (refusal["type"], refusal["id"]) == ("error", "three")
        assert refusal["payload"][0]["extensions"] == {"code": "RATE_LIMITED"}
    async with caller(frugal, token, Accept="text/event-stream") as client:
        answer = await client.post("/graphql", json=DEAR)
    assert "event: next" in answer.text
    assert "This costs 211; you may spend 440 a second." in answer.text
    assert "RATE_LIMITED" in answer.text


async def test_invalid_credentials_are_counted_by_address_and_valid_ones_still_work(
    strict: Server, db: Database
) -> None:
    token = await issued(db)
    forwarded = {"X-Forwarded-For": "192.0.2.1"}
    async with caller(strict, "guessed", **forwarded) as guesser, caller(strict, token, **forwarded) as neighbour:
        answers = [await guesser.post("/graphql", json=QUERY) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
        assert (await neighbour.post("/graphql", json=QUERY)).status_code == 200


async def test_anonymous_requests_of_other_addresses_are_counted_separately(strict: Server) -> None:
    async with caller(strict, **{"X-Forwarded-For": "192.0.2.2"}) as one:
        assert [(await one.post("/graphql", json=QUERY)).status_code for _ in range(4)] == [401, 401, 401, 429]
    async with caller(strict, **{"X-Forwarded-For": "192.0.2.3"}) as other:
        assert (await other.post("/graphql", json=QUERY)).status_code == 401


async def test_invalid_credentials_are_counted_over_every_transport(strict: Server) -> None:
    async with caller(strict, "of-nobody", **{"X-Forwarded-For": "192.0.2.7"}) as prober:
        assert [(await prober.get("/metrics")).status_code for _ in range(4)] == [401, 401, 401, 429]
    browser = {"X-Forwarded-For": "192.0.2.8", "Accept": "text/html", "Cookie": "__Host-oms_session=of-nobody"}
    async with caller(strict, **browser) as prober:
        statuses = [(await prober.get("/graphql")).status_code for _ in range(4)]
    assert statuses == [303, 303, 303, 429]


async def test_a_forwarded_address_of_an_untrusted_proxy_is_ignored(web_settings: Settings) -> None:
    distrustful = web_settings.model_copy(update={"stranger_requests_per_s": 3, "trusted_proxies": ()})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rate_limits_module, "_WINDOW_S", 60)
        with serving(distrustful) as server:
            statuses = []
            for number in range(5):
                async with caller(server, **{"X-Forwarded-For": f"198.51.100.{number}"}) as client:
                    statuses.append((await client.post("/graphql", json=QUERY)).status_code)
    assert statuses == [401, 401, 401, 429, 429]


@asynccontextmanager
async def connected(server: Server, token: str, **headers: str) -> AsyncIterator[ClientConnection]:
    """From an address of its own, unless the headers name one."""
    headers.setdefault("X-Forwarded-For", str(ip_address(secrets.randbits(32))))
    async with connect(
        server.websocket, subprotocols=[Subprotocol("graphql-transport-ws")], additional_headers=headers
    ) as socket:
        await send(socket, type="connection_init", payload={"authorization": f"Bearer {token}"})
        assert (await receive(socket))["type"] == "connection_ack"
        yield socket


async def send(socket: ClientConnection, **message: Any) -> None:
    await socket.send(orjson.dumps(message).decode())


async def receive(socket: ClientConnection) -> Any:
    return orjson.loads(await asyncio.wait_for(socket.recv(), 10))


async def test_over_a_websocket_an_operation_above_the_limit_is_refused_and_the_connection_stays(
    strict: Server, db: Database
) -> None:
    async with connected(strict, await issued(db)) as socket:  # which is the first of four
        for number in range(3):
            await send(socket, type="subscribe", id=str(number), payload=QUERY)
            assert [(await receive(socket))["type"] for _ in range(2)] == ["next", "complete"]
        await send(socket, type="subscribe", id="more", payload=QUERY)
        refusal = await receive(socket)
        assert (refusal["type"], refusal["id"]) == ("error", "more")
        assert refusal["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
        await send(socket, type="ping")
        assert (await receive(socket))["type"] == "pong"


async def test_reading_pauses_for_a_websocket_that_exceeds_its_limit(
    strict: Server, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphql_ws, "PAUSE_S", 3600)
    async with connected(strict, await issued(db)) as socket:  # which is the first of four
        for _ in range(5):
            await send(socket, type="ping")
        assert [(await receive(socket))["type"] for _ in range(4)] == ["pong"] * 4  # the last of them is one too many
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.5)


async def test_reading_pauses_for_an_anonymous_websocket_as_well(
    strict: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphql_ws, "PAUSE_S", 3600)
    stranger = connect(
        strict.websocket,
        subprotocols=[Subprotocol("graphql-transport-ws")],
        additional_headers={"X-Forwarded-For": "192.0.2.9"},
    )
    async with stranger as socket:  # whose upgrade is the first of three
        for _ in range(5):
            await send(socket, type="ping")
        assert [(await receive(socket))["type"] for _ in range(3)] == ["pong"] * 3  # the last of them is one too many
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.5)


async def test_upgrades_count_as_anonymous_requests(strict: Server, caplog: pytest.LogCaptureFixture) -> None:
    statuses = []
    for _ in range(5):
        try:
            async with connect(
                strict.websocket,
                subprotocols=[Subprotocol("graphql-transport-ws")],
                additional_headers={"X-Forwarded-For": "192.0.2.10"},
            ):
                statuses.append(101)
        except InvalidStatus as refusal:
            statuses.append(refusal.response.status_code)
    assert statuses == [101, 101, 101, 429, 429]
    assert not [line for line in caplog.records if line.name.startswith("uvicorn") and line.levelname == "ERROR"]


async def test_an_address_with_too_many_invalid_credentials_cannot_connect(strict: Server, db: Database) -> None:
    from_there = {"X-Forwarded-For": "192.0.2.4"}
    async with caller(strict, "guessed", **from_there) as guesser:
        for _ in range(4):
            await guesser.post("/graphql", json=QUERY)
    with pytest.raises(InvalidStatus) as refusal:
        async with connected(strict, await issued(db), **from_there):
            pass
    assert refusal.value.response.status_code == 429
    assert refusal.value.response.headers["retry-after"]


async def test_a_subscription_above_the_limit_is_refused_and_ended_ones_are_released(
    strict: Server, db: Database
) -> None:
    token = await issued(db)
    async with connected(strict, token) as socket:
        for key in ("one", "two"):
            await send(socket, type="subscribe", id=key, payload=COUNTING)
            assert (await receive(socket))["type"] == "next"
        await send(socket, type="subscribe", id="three", payload=COUNTING)
        refusal = await receive(socket)
        assert (refusal["type"], refusal["id"]) == ("error", "three")
        assert refusal["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
        assert "end one of them first" in refusal["payload"][0]["message"]
    await until(lambda: not _open_subscriptions(strict))


def _open_subscriptions(server: Server) -> int:
    return sum(server.app.state.rate_limits._open.values())


async def test_event_streams_count_as_subscriptions(strict: Server, db: Database) -> None:
    async with (
        caller(strict, await issued(db), Accept="text/event-stream") as client,
        client.stream("POST", "/graphql", json=COUNTING) as one,
        client.stream("POST", "/graphql", json=COUNTING) as two,
    ):
        results = [stream.aiter_lines() for stream in (one, two)]  # kept, for a reader that is forgotten hangs up
        for lines in results:
            while not (await anext(lines)).startswith("event: next"):
                pass
        third = await asyncio.wait_for(client.post("/graphql", json=COUNTING), 10)
    assert "RATE_LIMITED" in third.text
    assert third.text.rstrip().endswith("data:")  # complete
