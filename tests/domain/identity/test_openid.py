"""Signing in at a provider: who may, and that only an honest answer for this client and this browser is accepted."""

import html
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import ECKey, RSAKey
from structlog.testing import capture_logs

from oms.domain.audit.model import OPERATOR
from oms.domain.identity import account_commands as accounts
from oms.domain.identity.accounts import Account, NewAccount
from oms.domain.vocabulary.actor import Role
from oms.platform.settings import Settings, SettingsInvalid, load_settings
from oms.schema.schema import schema
from oms.web.auth import identity_provider
from oms.web.auth.credentials import SessionCookie
from tests.domain.identity.openid_provider import CLIENT_ID, CLIENT_SECRET, Provider, providing
from tests.shop import ShopUnderTest, open_shop
from tests.web.conftest import Server, serving

ANA = {"sub": "subject of ana", "email": "ana@example.com", "email_verified": True}
OWN = {"Sec-Fetch-Site": "same-origin"}
SESSION = SessionCookie(secure=True).name
FLOW = "__Host-oms_openid"
NEXT = "__Host-oms_next"
DISTRUSTED = "The response of Example ID is not valid, so you are not signed in. Try again."


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    with providing() as provider:
        yield provider


@pytest.fixture
def provider(running: Provider) -> Provider:
    """The provider with honest answers again, whatever the test before changed."""
    fresh = Provider(issuer=running.issuer, present=dict(ANA), keys=running.keys, published=running.keys)
    running.__dict__.update(fresh.__dict__)
    return running


def with_provider(settings: Settings, provider: Provider, **others: Any) -> Settings:
    values = {
        "openid_issuer": provider.issuer,
        "openid_client_id": CLIENT_ID,
        "openid_client_secret": CLIENT_SECRET,
        "openid_name": "Example ID",
        "database_url": settings.database_url,
        "redis_url": settings.redis_url,
        "database_pool_size": 5,
    }
    return load_settings(**(values | others))


@pytest.fixture(scope="module")
def web_settings(database_url: str, redis_url: str) -> Settings:
    return load_settings(database_url=database_url, redis_url=redis_url)


@pytest.fixture(scope="module")
def lasting(running: Provider, web_settings: Settings) -> Iterator[Server]:
    """One web process, outside demo mode."""
    with serving(with_provider(web_settings, running), schema) as server:
        yield server


@pytest.fixture
def server(provider: Provider, web_settings: Settings) -> Iterator[Server]:
    """A web process that has not called the provider yet."""
    with serving(with_provider(web_settings, provider), schema) as server:
        yield server


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    async with open_shop(database_url, tmp_path) as shop:
        yield shop


@pytest.fixture
async def ana(shop: ShopUnderTest) -> Account:
    async with shop.db.transaction() as tx:
        return await accounts.add(tx, OPERATOR, NewAccount("Ana@Example.com", "Ana", Role.SUPPORT))


@pytest.fixture
async def browser(lasting: Server, provider: Provider) -> AsyncIterator[httpx.AsyncClient]:
    async with Browser(lasting) as browser:
        yield browser


class Browser(httpx.AsyncClient):
    """Keeps Secure cookies of this host, although tests use plain http."""

    def __init__(self, server: Server) -> None:
        super().__init__(base_url=server.url, headers=OWN, timeout=20)
        self.kept: dict[str, str] = {}

    async def get(self, url: httpx.URL | str, **options: Any) -> httpx.Response:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.kept.items())}
        response = await super().get(url, headers=headers | options.pop("headers", {}), **options)
        for cookie in response.headers.get_list("set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.kept[name] = value.strip('"')
            if "Max-Age=0" in cookie:
                del self.kept[name]
        return response


async def sent(browser: httpx.AsyncClient) -> str:
    """Presses the button; returns the address at the provider."""
    response = await browser.get("/sign-in/openid")
    assert response.status_code == 303, response.text
    return response.headers["location"]


async def come_back(address: str) -> str:
    """Signs in at the provider; returns where it redirects the browser."""
    async with httpx.AsyncClient() as elsewhere:
        return (await elsewhere.get(address)).headers["location"]


async def signed_in(browser: httpx.AsyncClient) -> httpx.Response:
    """All the way there and back."""
    return await browser.get(await come_back(await sent(browser)), headers={"Sec-Fetch-Site": "cross-site"})


def message(answer: httpx.Response) -> str:
    """The page that reports a failure."""
    assert answer.status_code == 422, (answer.status_code, answer.headers.get("location"))
    return html.unescape(answer.text)


# who may sign in


async def test_an_account_is_found_by_its_verified_address_and_from_then_on_by_its_subject(
    provider: Provider, browser: Browser, ana: Account, shop: ShopUnderTest
) -> None:
    answer = await signed_in(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/home")
    assert (await browser.get("/home")).status_code == 200
    [linked] = await shop.rows("SELECT id, openid_issuer, openid_subject FROM accounts")
    assert linked == (ana.id, provider.issuer, "subject of ana")
    provider.present |= {"email": "ana@elsewhere.example", "email_verified": False}
    assert (await signed_in(browser)).headers["location"] == "/home"


async def test_the_cookies_are_hidden_from_scripts_and_sent_over_https_only(browser: Browser, ana: Account) -> None:
    response = await browser.get("/sign-in/openid")
    [flow] = response.headers.get_list("set-cookie")
    assert flow.startswith(f"{FLOW}=")
    answer = await browser.get(await come_back(response.headers["location"]))
    session, *ended = answer.headers.get_list("set-cookie")
    assert session.startswith(f"{SESSION}=")
    assert [cookie.split("=")[0] for cookie in ended] == [NEXT, FLOW]
    assert all("Max-Age=0" in cookie for cookie in ended)
    for cookie in (flow, session, *ended):
        assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} <= {part.strip() for part in cookie.split(";")}


@pytest.mark.parametrize(
    "present",
    [
        {"sub": "x", "email": "nobody@example.com", "email_verified": True},
        {"sub": "x", "email": "ana@example.com", "email_verified": False},
        {"sub": "x", "email": "ana@example.com", "email_verified": "true"},
        {"sub": "x", "email": "ana@example.com"},
        {"sub": "x", "email": ["ana@example.com"], "email_verified": True},
        {"sub": "x"},
    ],
    ids=str,
)
@pytest.mark.usefixtures("ana")
async def test_nobody_gets_a_new_account_or_that_of_another(
    provider: Provider, browser: Browser, shop: ShopUnderTest, present: dict[str, Any]
) -> None:
    provider.present = present
    assert "Example ID knows you, but you have no account here." in message(await signed_in(browser))
    assert SESSION not in browser.kept
    assert await shop.rows("SELECT login, openid_subject FROM accounts") == [("ana@example.com", None)]
    assert [action for (action,) in await shop.rows("SELECT action FROM audit_events ORDER BY id")] == [
        "AccountCreated",
        "SignInFailed",
    ]


async def test_an_account_that_is_linked_is_not_linked_again(
    provider: Provider, browser: Browser, ana: Account, shop: ShopUnderTest
) -> None:
    await signed_in(browser)
    provider.present["sub"] = "somebody who got the address of ana later"
    assert "you have no account here" in message(await signed_in(browser))


async def test_a_disabled_account_cannot_sign_in(browser: Browser, ana: Account, shop: ShopUnderTest) -> None:
    await signed_in(browser)
    async with shop.db.transaction() as tx:
        await accounts.set_disabled(tx, OPERATOR, ana.id, disabled=True)
    assert "you have no account here" in message(await signed_in(browser))
    await shop.execute("UPDATE accounts SET openid_subject = NULL")
    assert "you have no account here" in message(await signed_in(browser))


async def test_the_audit_log_says_who_signed_in_and_how(browser: Browser, ana: Account, shop: ShopUnderTest) -> None:
    await signed_in(browser)
    entries = await shop.rows("SELECT action, subject, after FROM audit_events ORDER BY id")
    assert entries[1:] == [
        ("AccountChanged", f"account:{ana.id}", {"openid": True}),
        ("SignedIn", f"account:{ana.id}", {"by": "openid"}),
    ]


# answers that are not accepted

Misbehave = Callable[[Provider], Any]


def claims(**changed: Any) -> Misbehave:
    """Changes claims of the ID token; removes those that are None."""

    def change(token: dict[str, Any]) -> None:
        token |= changed
        for name in [name for name, value in token.items() if value is None]:
            del token[name]

    return lambda provider: setattr(provider, "change_claims", change)


def signing(by: Callable[[Provider], Callable[[dict[str, Any]], str]]) -> Misbehave:
    return lambda provider: setattr(provider, "sign", by(provider))


def with_a_foreign_key(provider: Provider) -> Callable[[dict[str, Any]], str]:
    foreign = Provider(keys=[RSAKey.generate_key(2048, {"kid": str(provider.keys[0].kid)})])
    return foreign.signed


def tampered(provider: Provider) -> Callable[[dict[str, Any]], str]:
    def sign(token: dict[str, Any]) -> str:
        head, _, proof = provider.signed(token).split(".")
        return ".".join((head, provider.signed(token | {"sub": "another"}).split(".")[1], proof))

    return sign


@pytest.mark.parametrize(
    "misbehave",
    [
        claims(nonce="of another flow"),
        claims(nonce=None),
        claims(aud="another client"),
        claims(aud=["another client", "and another"]),
        claims(aud="another client", azp=CLIENT_ID),
        claims(aud=[CLIENT_ID, "another client"], azp="another client"),
        claims(aud=None),
        claims(iss="https://elsewhere.example"),
        claims(iss=None),
        claims(exp=1),
        claims(exp=None),
        claims(iat=None),
        claims(sub=None),
        claims(sub=""),
        claims(sub=7),
        signing(lambda provider: provider.unsigned),
        signing(lambda provider: provider.signed_with_the_secret),
        signing(lambda provider: provider.signed_with_the_public_key),
        signing(with_a_foreign_key),
        signing(tampered),
        signing(lambda _: lambda _: "no.token.atall"),
        signing(lambda _: lambda _: ""),
        signing(lambda _: lambda _: None),  # type: ignore[arg-type, return-value]
    ],
    ids=[
        "another nonce", "no nonce", "another audience", "other audiences",
        "audience but for its party", "made for another party", "no audience",
        "another issuer", "no issuer", "expired", "without end", "without beginning", "no subject", "empty subject",
        "subject no text", "alg none", "signed with the secret", "signed with the public key", "foreign key",
        "tampered", "no token", "empty token", "token missing",
    ],
)  # fmt: skip
@pytest.mark.usefixtures("ana")
async def test_an_invalid_id_token_signs_nobody_in(
    provider: Provider, browser: Browser, shop: ShopUnderTest, misbehave: Misbehave
) -> None:
    misbehave(provider)
    with capture_logs() as logs:
        assert DISTRUSTED in message(await signed_in(browser))
    assert SESSION not in browser.kept
    assert await shop.rows("SELECT openid_subject FROM accounts") == [(None,)]
    assert any(line["event"] == "Sign-in with the provider failed" for line in logs)
    assert "eyJ" not in repr(logs)  # no token


async def test_an_answer_is_accepted_once(browser: Browser, ana: Account) -> None:
    back = await come_back(await sent(browser))
    flow = browser.kept[FLOW]
    assert (await browser.get(back)).status_code == 303
    browser.kept = {FLOW: flow}  # even if the browser had kept its cookie
    assert DISTRUSTED in message(await browser.get(back))
    assert SESSION not in browser.kept


async def test_an_answer_is_accepted_only_in_the_browser_that_started_the_sign_in(
    lasting: Server, browser: Browser, ana: Account, provider: Provider
) -> None:
    back = await come_back(await sent(browser))
    provider.requests.clear()
    async with Browser(lasting) as victim:
        assert "in another browser. Start again." in message(await victim.get(back))
        await sent(victim)  # has a flow of its own
        assert "in another browser. Start again." in message(await victim.get(back))
        assert SESSION not in victim.kept
    assert "token" not in provider.requests


async def test_a_code_is_useless_without_the_browsers_secret(browser: Browser, provider: Provider) -> None:
    """PKCE: the verifier is made from the cookie, so another flow's code is refused by the provider."""
    stolen = parse_qs(urlsplit(await come_back(await sent(browser))).query)["code"][0]
    own = httpx.URL(await come_back(await sent(browser)))
    assert DISTRUSTED in message(await browser.get(own.copy_set_param("code", stolen)))


def answering(**changed: str | None) -> Misbehave:
    def change(answer: dict[str, Any]) -> None:
        answer |= changed
        for name in [name for name, value in answer.items() if value is None]:
            del answer[name]

    return lambda provider: setattr(provider, "change_answer", change)


@pytest.mark.parametrize(
    ("misbehave", "says"),
    [
        (answering(iss="https://elsewhere.example"), DISTRUSTED),
        (answering(iss=None), DISTRUSTED),
        (answering(state=None), "Start again."),
        (answering(state="another"), "Start again."),
        (answering(state="ünknown"), "Start again."),
        (answering(code=None), DISTRUSTED),
        (answering(error="access_denied"), "Example ID denied access, or you did not consent."),
        (answering(error="temporarily_unavailable"), "Example ID is unavailable. Try again in a moment."),
        (answering(error="<script>", error_description="call 555"), "Example ID did not sign you in. Try again."),
    ],
)
@pytest.mark.usefixtures("ana")
async def test_other_answers_of_the_provider_are_explained_in_our_own_words(
    provider: Provider, browser: Browser, misbehave: Misbehave, says: str
) -> None:
    misbehave(provider)
    with capture_logs() as logs:
        page = message(await signed_in(browser))
    assert says in page
    assert "555" not in page + repr(logs)
    assert "<script>" not in page + repr(logs)
    assert SESSION not in browser.kept


@pytest.mark.parametrize("target", ["//elsewhere.example", "https://elsewhere.example/x"])
async def test_no_parameter_redirects_to_another_site(browser: Browser, ana: Account, target: str) -> None:
    """No parameter says where to redirect to; usual names of such parameters have no effect."""
    names = ("next", "redirect", "redirect_uri", "return_to", "url")
    response = await browser.get("/sign-in/openid", params=dict.fromkeys(names, target))
    assert parse_qs(urlsplit(response.headers["location"]).query)["redirect_uri"] == [
        f"{browser.base_url}".rstrip("/") + "/sign-in/openid/answer"
    ]
    back = httpx.URL(await come_back(response.headers["location"]))
    answer = await browser.get(back.copy_merge_params(dict.fromkeys(names, target)))
    assert answer.headers["location"] == "/home"


async def test_the_provider_is_told_to_redirect_to_configured_host_names_only(
    provider: Provider, web_settings: Settings
) -> None:
    """The server answers to addresses and localhost, too, but a sign-in does not lead there."""
    with serving(with_provider(web_settings, provider, allowed_hosts=("shop.example",)), schema) as server:
        async with Browser(server) as browser:
            for host in ("127.0.0.1", "localhost", "shop.example.", f"127.0.0.1:{urlsplit(server.url).port}"):
                refused = await browser.get("/sign-in/openid", headers={"Host": host})
                assert "Open this site by its name to sign in: shop.example." in message(refused)
                assert "location" not in refused.headers
                assert FLOW not in browser.kept
            unknown = await browser.get("/sign-in/openid", headers={"Host": "elsewhere.example"})
            assert unknown.status_code == 421
            allowed = await browser.get("/sign-in/openid", headers={"Host": "shop.example"})
            sent_to = parse_qs(urlsplit(allowed.headers["location"]).query)["redirect_uri"]
            assert sent_to == ["http://shop.example/sign-in/openid/answer"]


async def test_a_link_on_another_site_starts_no_sign_in(browser: Browser) -> None:
    answer = await browser.get("/sign-in/openid", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.headers["location"] == "/"
    assert not browser.kept


# keys and the provider's own state


async def test_changed_keys_are_fetched_again(provider: Provider, browser: Browser, ana: Account) -> None:
    await signed_in(browser)
    provider.requests.clear()
    assert (await signed_in(browser)).status_code == 303
    assert "keys" not in provider.requests
    provider.rotate()
    assert (await signed_in(browser)).status_code == 303
    assert provider.requests.count("keys") == 1


async def test_a_withdrawn_key_is_accepted_no_longer_than_the_description_is_cached(
    provider: Provider, server: Server, ana: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity_provider, "_METADATA_CACHE_S", 0.0)
    async with Browser(server) as browser:
        assert (await signed_in(browser)).status_code == 303
        provider.published = [RSAKey.generate_key(2048, {"kid": "its successor", "use": "sig"})]
        assert (await signed_in(browser)).status_code == 422


async def test_keys_without_names_may_change_too(provider: Provider, server: Server, ana: Account) -> None:
    async with Browser(server) as browser:
        for _ in range(2):
            provider.keys = provider.published = [RSAKey.generate_key(2048)]
            provider.sign = lambda token: provider.signed(token, kid=False)
            assert (await signed_in(browser)).status_code == 303


async def test_a_signature_on_an_elliptic_curve_is_accepted(provider: Provider, server: Server, ana: Account) -> None:
    provider.keys = provider.published = [ECKey.generate_key("P-256", {"kid": "curve"})]
    async with Browser(server) as browser:
        assert (await signed_in(browser)).status_code == 303


async def test_the_client_secret_is_sent_in_the_form_if_the_provider_requires_it(
    provider: Provider, server: Server, ana: Account
) -> None:
    provider.secret_in_body = True
    async with Browser(server) as browser:
        assert (await signed_in(browser)).status_code == 303


@pytest.mark.parametrize(
    ("described", "says"),
    [
        ({"issuer": "https://elsewhere.example"}, DISTRUSTED),
        ({"token_endpoint": "http://elsewhere.example/token"}, DISTRUSTED),
        ({"authorization_endpoint": "javascript:alert(1)"}, DISTRUSTED),
        ({"jwks_uri": None}, DISTRUSTED),
    ],
)
async def test_a_provider_with_a_wrong_description_is_not_used(
    provider: Provider, server: Server, described: dict[str, Any], says: str
) -> None:
    provider.change_description = lambda description: description.update(described)
    async with Browser(server) as browser:
        assert says in message(await browser.get("/sign-in/openid"))
        assert FLOW not in browser.kept


@pytest.mark.parametrize("status", [500, 503])
async def test_an_unavailable_provider_is_reported_and_tried_again_later(
    provider: Provider, server: Server, ana: Account, status: int
) -> None:
    provider.fails_with = status
    async with Browser(server) as browser:
        assert "Example ID is unavailable." in message(await browser.get("/sign-in/openid"))
        provider.fails_with = None
        assert (await signed_in(browser)).status_code == 303


# settings


async def test_the_button_is_shown_if_a_provider_is_configured(browser: Browser) -> None:
    page = await browser.get("/")
    assert "Sign in with Example ID" in page.text
    assert CLIENT_SECRET not in page.text


def test_the_issuer_must_be_https_outside_demo_and_this_machine() -> None:
    far = {"openid_issuer": "http://id.example.com", "openid_client_id": "oms"}
    with pytest.raises(SettingsInvalid, match=r"OMS_OPENID_ISSUER .*must begin with https://"):
        load_settings(**far)
    assert load_settings(**far, demo=True).openid_issuer
    assert load_settings(**(far | {"openid_issuer": "https://id.example.com"})).openid_issuer


def test_an_issuer_needs_a_client_id() -> None:
    with pytest.raises(SettingsInvalid, match=r"OMS_OPENID_CLIENT_ID .*must be set with OMS_OPENID_ISSUER"):
        load_settings(openid_issuer="https://id.example.com")


def test_the_secret_is_never_shown() -> None:
    settings = load_settings(openid_client_secret=CLIENT_SECRET)
    assert CLIENT_SECRET not in f"{settings!r} {settings} {settings.model_dump()}"
