"""Forms of other sites, and of other sessions, do nothing: each of ours carries a token that it must show."""

import asyncio
import secrets
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oms.domain.access.permissions import Viewer
from oms.domain.vocabulary.actor import Role
from oms.web.auth.credentials import SessionCookie
from oms.web.auth.csrf import FIELD, FormToken, is_valid
from oms.web.server import bodies
from tests.shop import ShopUnderTest
from tests.web.conftest import DEMO_COOKIE, Server
from tests.web.pages.conftest import hidden, persona, signed_in, visiting
from tests.web.pages.walk import PEOPLE, parsed, set_scene, walked

REFUSED = "Form not accepted"
COOKIE = SessionCookie(secure=True)


def request_of(**cookies: str) -> Request:
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return Request({"type": "http", "headers": [(b"cookie", cookie.encode())]})


def forms_of(pages: Server) -> list[str]:
    """Every address that takes a form, with something in the place of ids."""
    routes = [route for route in pages.app.routes if isinstance(route, Route) and route.path != "/graphql"]
    paths = [route.path for route in routes if "POST" in (route.methods or ())]
    return [path.replace("{", "").replace("}", "") for path in paths]


def test_a_token_is_of_one_session_and_looks_different_each_time() -> None:
    ours, theirs = (request_of(**{COOKIE.name: secrets.token_urlsafe(32)}) for _ in range(2))
    tokens = [FormToken(ours, COOKIE)() for _ in range(3)]
    assert len(set(tokens)) == 3
    for token in tokens:
        assert is_valid(ours, token, COOKIE)
        assert not is_valid(theirs, token, COOKIE)
        assert not is_valid(request_of(), token, COOKIE)


@pytest.mark.parametrize("change", ["", "x", "é", "====", "A" * 86 + "==", "\x00", "A" * 10_000])
def test_what_is_no_token_is_not_genuine(change: str) -> None:
    assert not is_valid(request_of(**{COOKIE.name: "secret"}), change, COOKIE)


def test_no_changed_token_is_valid() -> None:
    ours = request_of(**{COOKIE.name: "secret"})
    token = FormToken(ours, COOKIE)()
    for position in (0, 43, 60, 80):
        other = "A" if token[position] != "A" else "B"
        assert not is_valid(ours, token[:position] + other + token[position + 1 :], COOKIE)


def test_a_visitor_gets_a_cookie_that_no_other_host_can_set() -> None:
    nobody = request_of()
    token, response = FormToken(nobody, COOKIE), Response()
    shown = token()
    token.set_cookie(response)
    cookie, *attributes = response.headers["set-cookie"].split("; ")
    name, _, value = cookie.partition("=")
    assert name == "__Host-oms_visitor"
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} == set(attributes)
    assert is_valid(request_of(**{name: value}), shown, COOKIE)
    assert not is_valid(nobody, shown, COOKIE)


def test_a_page_without_a_form_sets_no_cookie() -> None:
    response = Response()
    FormToken(request_of(), COOKIE).set_cookie(response)
    assert "set-cookie" not in response.headers


async def test_every_form_there_is_refuses_to_act_without_the_token_of_its_session(
    pages: Server, shop: ShopUnderTest
) -> None:
    addresses = forms_of(pages)
    assert len(addresses) > 20
    async with persona(pages, "manager") as browser, persona(pages, "support") as other:
        theirs = await other.form_token()  # type: ignore[attr-defined]
        for address in addresses:
            for fields in ({FIELD: ""}, {FIELD: "guessed"}, {FIELD: theirs}):
                answer = await browser.post(address, data=fields)
                assert (answer.status_code, REFUSED in answer.text) == (403, True), address
        assert (await browser.get("/manager")).status_code == 200, "signing out was among them"


async def test_every_form_there_is_refuses_another_site_that_knows_the_token(
    pages: Server, shop: ShopUnderTest
) -> None:
    async with persona(pages, "manager") as browser:
        for address in forms_of(pages):
            for site in ("cross-site", "same-site"):
                answer = await browser.post(address, headers={"Sec-Fetch-Site": site})
                assert (answer.status_code, REFUSED in answer.text) == (403, True), address


async def test_nobody_is_signed_in_by_another_site(pages: Server, shop: ShopUnderTest) -> None:
    """An attacker would have the victim act under the attacker's account."""
    async with visiting(pages) as attacker, visiting(pages) as victim:
        known = await attacker.form_token()  # type: ignore[attr-defined]
        await victim.form_token()  # type: ignore[attr-defined]
        answer = await victim.post("/sign-in", data={"persona": "manager", FIELD: known})
        assert (answer.status_code, REFUSED in answer.text) == (403, True)
        assert DEMO_COOKIE.name not in victim.cookies


async def test_every_form_that_is_posted_carries_the_token_and_no_other_does(
    pages: Server, shop: ShopUnderTest
) -> None:
    scene = await set_scene(shop, "pen")
    posted = 0
    for role in PEOPLE:
        viewer = Viewer("walker", role, "pen" if role is Role.CUSTOMER else None)
        async with signed_in(pages, shop, viewer) as browser:
            async for page, answer in walked(browser, pages.app, scene):
                for form in parsed(answer.text).iter("form"):
                    fields = [field.get("name") for field in form.iter("input")]
                    is_posted = form.get("method") == "post"
                    assert fields.count(FIELD) == is_posted, (page, form.attrib)
                    posted += is_posted
    assert posted > 100


async def test_a_page_of_an_earlier_session_says_what_to_do(pages: Server, shop: ShopUnderTest) -> None:
    async with persona(pages, "manager") as browser:
        before = hidden((await browser.get("/manager/maintenance")).text, FIELD)
        await browser.post("/sign-out")
        await browser.post("/sign-in", data={"persona": "manager"})
        answer = await browser.post("/manager/maintenance", data={FIELD: before, "enabled": "true"})
        assert answer.status_code == 403
        assert "reload the page, and try again" in answer.text
        now = hidden((await browser.get("/manager/maintenance")).text, FIELD)
        assert (await browser.post("/manager/maintenance", data={FIELD: now, "enabled": "true"})).status_code == 303


async def test_whose_session_is_over_is_sent_to_sign_in(pages: Server, shop: ShopUnderTest) -> None:
    async with persona(pages, "manager") as browser:
        await browser.post("/sign-out")
        answer = await browser.post("/manager/maintenance", data={FIELD: "of earlier", "enabled": "true"})
        assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/")


async def test_a_form_is_read_no_further_than_64_kib(pages: Server, shop: ShopUnderTest) -> None:
    async with httpx.AsyncClient(base_url=pages.url, headers={"Sec-Fetch-Site": "same-origin"}) as browser:
        answer = await browser.post("/sign-in", data={"persona": "x" * 70_000})
        assert answer.status_code == 413


async def test_a_form_that_does_not_arrive_in_time_is_answered_by_a_page_that_says_so(
    pages: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "BODY_TIMEOUT_S", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(pages.url).port)
    head = f"POST /sign-in HTTP/1.1\r\nHost: {urlsplit(pages.url).netloc}\r\nSec-Fetch-Site: same-origin\r\n"
    writer.write(f"{head}Content-Length: 100\r\n\r\nlogin=".encode())
    answer = await asyncio.wait_for(reader.read(), 10)  # to the end: the connection is closed, too
    writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"The body did not arrive" in answer
