"""Security headers of every response: pages, API, files, streams, refusals and bugs."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oms.platform.settings import Settings
from oms.platform.tasks import Pulse
from oms.web.live.open_streams import OpenStreams
from oms.web.pages.rendering.assets import asset
from oms.web.server.asgi import Application
from oms.web.server.metrics import ProcessMetrics
from tests.web.conftest import Server, serving

PAGE = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def strict(web_settings: Settings) -> Iterator[Server]:
    """Not in demo mode: behind a proxy with HTTPS."""
    with serving(web_settings.model_copy(update={"demo": False, "stranger_requests_per_s": 0})) as running:
        yield running


@pytest.fixture
async def browser(strict: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=strict.url, timeout=20) as client:
        yield client


def policy_of(answer: httpx.Response) -> dict[str, list[str]]:
    (policy,) = answer.headers.get_list("content-security-policy")
    return {name: sources for name, *sources in (part.split() for part in policy.split(";"))}


def require_safe(answer: httpx.Response) -> None:
    headers = answer.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["referrer-policy"] in ("same-origin", "no-referrer")
    assert "camera=(self)" in headers["permissions-policy"]
    for feature in ("geolocation", "microphone", "payment"):
        assert f"{feature}=()" in headers["permissions-policy"]
    assert "access-control-allow-origin" not in headers
    assert "server" not in headers
    assert "x-powered-by" not in headers
    policy = policy_of(answer)
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == ["'none'"]
    allowed = {source for sources in policy.values() for source in sources}
    assert allowed <= {"'none'", "'self'", "data:"}
    assert "data:" not in policy.get("script-src", [])


def addresses_of(app: Starlette) -> list[str]:
    """Every route, with made-up ids."""
    paths = [route.path for route in app.routes if isinstance(route, Route)]
    return sorted({path.replace("{", "").replace("}", "") for path in paths})


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS", "HEAD", "TRACE"])
async def test_every_address_responds_with_all_security_headers(
    browser: httpx.AsyncClient, strict: Server, method: str
) -> None:
    addresses = [
        *addresses_of(strict.app),
        "/nothing/here",
        asset("console.css"),
        "/static/console.css",
        "/static/none.css",
    ]
    assert len(addresses) > 40
    for address in addresses:
        answer = await browser.request(method, address, headers=PAGE)
        require_safe(answer)
        assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains", address
        kind = answer.headers.get("content-type", "")
        assert not answer.content or "charset=utf-8" in kind or kind == "image/svg+xml", address
        assert method != "TRACE" or answer.status_code in (404, 405), address


async def test_responses_other_than_files_are_not_cached(browser: httpx.AsyncClient, strict: Server) -> None:
    for address in [*addresses_of(strict.app), "/nothing/here"]:
        if address not in ("/courier-worker.js", "/pictures/sku:path.svg"):
            assert (await browser.get(address, headers=PAGE)).headers["cache-control"] == "no-store", address


async def test_files_are_cached_for_ever_under_their_digest_only(browser: httpx.AsyncClient) -> None:
    for_ever = "public, max-age=31536000, immutable"
    assert (await browser.get(asset("console.css"))).headers["cache-control"] == for_ever
    for other in ("/static/console.css", asset("console.css").replace(asset("console.css").split("/")[2], "0" * 12)):
        answer = await browser.get(other)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.parametrize(
    "address",
    ["/static", "/static/", "/static/vendor/", "/static/../pyproject.toml", "/static/%2e%2e/pyproject.toml",
     "/static//etc/passwd", "/.git/config", "/templates/document.html", "/oms/platform/settings.py"],
)  # fmt: skip
async def test_only_files_below_static_are_served(browser: httpx.AsyncClient, address: str) -> None:
    answer = await browser.get(httpx.URL(address), follow_redirects=True)
    assert answer.status_code == 404, answer.text[:200]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"method": "GET", "url": "/", "headers": {"Host": "evil.example"}}, 421),
        ({"method": "GET", "url": "/graphql", "headers": {"Accept": "application/json"}}, 401),
        ({"method": "POST", "url": "/graphql", "content": "x" * 5_000_000}, 401),
        ({"method": "POST", "url": "/sign-in", "content": "x" * 70_000, "headers": {"Sec-Fetch-Site": "none"}}, 413),
        ({"method": "POST", "url": "/sign-in", "content": "token=x"}, 403),
        ({"method": "DELETE", "url": "/orders"}, 405),
        ({"method": "GET", "url": "/nothing"}, 404),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_refusals_have_the_security_headers(
    browser: httpx.AsyncClient, request_: dict[str, object], status: int
) -> None:
    answer = await browser.request(**request_)  # type: ignore[arg-type]
    assert answer.status_code == status
    require_safe(answer)


async def test_a_bug_s_response_has_the_security_headers(web_settings: Settings) -> None:
    async def fail(_request: Request) -> Response:
        raise ValueError("a secret detail")

    app = Application(web_settings, ProcessMetrics(OpenStreams(), Pulse(1)), routes=[Route("/", fail)])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get("/")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    require_safe(answer)


async def test_the_demo_does_not_send_hsts(web_settings: Settings) -> None:
    with serving(web_settings.model_copy(update={"demo": True})) as demo:
        async with httpx.AsyncClient(base_url=demo.url) as client:
            answer = await client.get("/")
            require_safe(answer)
            assert "strict-transport-security" not in answer.headers
