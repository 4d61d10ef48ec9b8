"""Answers are whole, in order and in the form that the request asked for, however they are written."""

import pytest

from oms.web.server import http_response
from tests.web.conftest import Server
from tests.web.test_connection import HEALTH, opened, rest


async def test_requests_sent_at_once_are_answered_one_after_the_other(server: Server) -> None:
    async with opened(server) as (reader, writer):
        writer.write((HEALTH + b"\r\n") * 3)
        for _ in range(3):
            assert (await reader.readuntil(b"}")).endswith(b'\r\n\r\n{"status":"alive"}')


async def test_a_head_alone_is_answered_with_the_length_of_what_is_not_sent(server: Server) -> None:
    async with opened(server) as (reader, writer):
        writer.write(b"HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n" + HEALTH + b"Connection: close\r\n\r\n")
        head, _, later = (await rest(reader)).partition(b"\r\n\r\n")
        assert b"content-length: 18" in head
        assert later.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("request_", [HEALTH + b"Connection: close\r\n\r\n", b"GET /health HTTP/1.0\r\n\r\n"])
async def test_who_wants_one_answer_only_is_told_that_it_was_the_last(server: Server, request_: bytes) -> None:
    async with opened(server) as (reader, writer):
        writer.write(request_)
        answer = await rest(reader)
        assert b"\r\nconnection: close\r\n" in answer
        assert answer.endswith(b'{"status":"alive"}')


@pytest.mark.parametrize(
    ("name", "value"), [(b"x-split", b"a\r\nset-cookie: b"), (b"x split", b"a"), (b"x-split", b"a\x00")]
)
def test_no_header_of_an_answer_becomes_two(name: bytes, value: bytes) -> None:
    with pytest.raises(RuntimeError, match="forbidden"):
        http_response._line(name, value)
