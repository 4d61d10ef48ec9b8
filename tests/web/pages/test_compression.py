"""Which responses are compressed, and for whom."""

import gzip

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Mount

from oms.web.pages.rendering.assets import STATIC, Assets, asset
from oms.web.pages.rendering.compression import MIN_BYTES, accepts_gzip, compressed

LONG = "<p>All is well.</p>" * 100


def asking(accept_encoding: str | None) -> Request:
    headers = [] if accept_encoding is None else [(b"accept-encoding", accept_encoding.encode())]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize(
    ("accept_encoding", "taken"),
    [("gzip, deflate, br", True), ("br;q=1.0, gzip;q=0.8", True), ("gzip;q=0", False), ("br", False), (None, False)],
)
def test_gzip_is_for_clients_that_accept_it(accept_encoding: str | None, taken: bool) -> None:
    assert accepts_gzip(asking(accept_encoding)) is taken


def test_a_long_page_is_compressed() -> None:
    response = compressed(HTMLResponse(LONG, headers={"Vary": "Cookie"}), asking("gzip"))
    assert gzip.decompress(bytes(response.body)).decode() == LONG
    assert response.headers["Content-Length"] == str(len(response.body))
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Vary"] == "Cookie, Accept-Encoding"


@pytest.mark.parametrize(("html", "accept_encoding"), [("x" * (MIN_BYTES - 1), "gzip"), (LONG, None)])
def test_other_responses_are_not_compressed(html: str, accept_encoding: str | None) -> None:
    response = compressed(HTMLResponse(html), asking(accept_encoding))
    assert bytes(response.body).decode() == html
    assert "Content-Encoding" not in response.headers


async def test_a_file_is_compressed_and_cached_for_ever() -> None:
    app = Starlette(routes=[Mount("/static", Assets(directory=STATIC))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://oms") as client:
        sheet = await client.get(asset("console.css"))
        plain = await client.get(asset("console.css"), headers={"Accept-Encoding": "identity"})
    assert sheet.text == plain.text == (STATIC / "console.css").read_text()
    assert sheet.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert sheet.headers["Cache-Control"] == plain.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert sheet.headers["Content-Type"] == plain.headers["Content-Type"]
