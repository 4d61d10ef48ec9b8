"""GraphiQL at /graphql: when it is served, under which policy, and that it loads nothing from elsewhere."""

import hashlib
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from oms.platform.settings import PROJECT_DIR
from oms.web.graphql.graphiql import graphiql_page, wants_graphiql

STATIC = PROJECT_DIR / "static"
VENDOR = STATIC / "vendor"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
CDNS = (
    "unpkg.com",
    "jsdelivr.net",
    "cdnjs.",
    "esm.sh",
    "esm.run",
    "skypack.dev",
    "googleapis.com",
    "gstatic.com",
)


async def _graphql(request: Request) -> Response:
    """A small endpoint: GraphiQL for browsers, a fixed API response for others."""
    return graphiql_page(demo="demo" in request.query_params) if wants_graphiql(request) else JSONResponse({"data": {}})


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(
        routes=[
            Route("/graphql", _graphql, methods=["GET", "POST"]),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://oms.test") as client:
        yield client


class _Page(HTMLParser):
    """A page's references, and what a strict policy would refuse."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.references: list[str] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.references += [given[name] for name in ("src", "href") if name in given]
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)


def _policy(response: httpx.Response) -> dict[str, list[str]]:
    directives = [part.split() for part in response.headers["content-security-policy"].split(";")]
    return {name: sources for name, *sources in directives}


async def test_a_browser_gets_graphiql(client: httpx.AsyncClient) -> None:
    response = await client.get("/graphql", headers={"Accept": BROWSER})
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert 'id="graphiql"' in response.text


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/json",
        "application/graphql-response+json",
        "text/event-stream",
        "application/json, text/html",
    ],
)
async def test_an_api_client_does_not_get_graphiql(client: httpx.AsyncClient, accept: str) -> None:
    response = await client.get("/graphql", params={"query": "{ viewer { name } }"}, headers={"Accept": accept})
    assert response.json() == {"data": {}}


async def test_a_post_never_gets_graphiql(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": "{ __typename }"}, headers={"Accept": BROWSER})
    assert response.json() == {"data": {}}


async def test_the_policy_allows_only_files_of_this_server(client: httpx.AsyncClient) -> None:
    policy = _policy(await client.get("/graphql", headers={"Accept": BROWSER}))
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == ["'self'"]
    assert policy["connect-src"] == ["'self'"]
    for closed in ("base-uri", "form-action", "frame-ancestors"):
        assert policy[closed] == ["'none'"]


async def test_caches_and_referrers_are_restricted(client: httpx.AsyncClient) -> None:
    headers = (await client.get("/graphql", headers={"Accept": BROWSER})).headers
    assert headers["vary"] == "Accept, Accept-Language, Cookie"
    assert headers["referrer-policy"] == "no-referrer"


async def test_the_demo_is_marked_as_such(client: httpx.AsyncClient) -> None:
    for asked, says in (({"demo": "1"}, True), ({}, False)):
        page = (await client.get("/graphql", params=asked, headers={"Accept": BROWSER})).text
        assert ("Demo:" in page) is says


async def test_the_page_has_no_inline_script_or_style_and_every_file_it_names_is_served(
    client: httpx.AsyncClient,
) -> None:
    page = _Page((await client.get("/graphql", headers={"Accept": BROWSER})).text)
    assert page.inline == []
    files = [reference for reference in page.references if reference not in {"data:,", "/"}]  # "/" is the way back
    assert files
    for file in files:
        assert file.startswith("/static/")
        assert (await client.get(file)).status_code == 200, file


def test_our_script_imports_only_what_the_bundle_exports() -> None:
    script = (STATIC / "graphiql.js").read_text()
    imported = re.findall(r'^import \{ (.+) \} from "(.+)";$', script, re.MULTILINE)
    assert [source for _, source in imported] == ["./vendor/graphiql/graphiql.js"]
    exports = (VENDOR / "graphiql" / "graphiql.js").read_text().rpartition("export{")[2]
    for name in imported[0][0].split(", "):
        assert re.search(rf"(?:as |[{{,]|^){name}[,}}]", exports), name


def test_no_vendored_file_loads_anything_from_elsewhere() -> None:
    for path in [*VENDOR.rglob("*.js"), *VENDOR.rglob("*.css")]:
        text = path.read_text()
        assert not [cdn for cdn in CDNS if cdn in text], path
        assert not re.search(r"""importScripts|(?:import|from)\s*\(?\s*["'`](?:https?:)?//""", text), path
        assert not re.search(r"""url\(\s*["']?(?!data:)|@import""", text) or path.suffix != ".css", path


def test_graphiql_needs_no_eval() -> None:
    for path in (VENDOR / "graphiql").rglob("*.js"):
        assert not re.search(r"new Function\(|(?<![\w.$])eval\(", path.read_text()), path


def test_every_vendored_file_has_its_checksum_in_the_readme() -> None:
    readme = (VENDOR / "README.md").read_text()
    listed = dict(re.findall(r"^\| `(\S+)` \| [\d,]+ \| `([0-9a-f]{64})` \|$", readme, re.MULTILINE))
    files = [path for path in VENDOR.rglob("*") if path.is_file() and path != VENDOR / "README.md"]
    assert listed == {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }
