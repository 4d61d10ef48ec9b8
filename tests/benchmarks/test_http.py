"""The load client believes no answer that it has not looked into."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from benchmarks.load.http import Connection, Document, NotAsExpected
from benchmarks.load.loops import closed_loop, paced, together

BODY = b'{"data":{"viewer":"me"}}'
WHOLE = b"HTTP/1.1 200 OK\r\nserver: x\r\nContent-Length: 24\r\n\r\n" + BODY


@asynccontextmanager
async def answering(*pieces: bytes, close: bool = False) -> AsyncIterator[Callable[[], "asyncio.Future[Connection]"]]:
    """A server that answers every request with these pieces, a moment between them."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(10_000):
            for piece in pieces:
                writer.write(piece)
                await asyncio.sleep(0.01)
            if close:
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    async with server:
        yield lambda: asyncio.ensure_future(Connection.open(address))


@pytest.mark.parametrize("pieces", [[WHOLE], [WHOLE[:9], WHOLE[9:60], WHOLE[60:]], [WHOLE[:-1], WHOLE[-1:]]])
async def test_an_answer_is_whole_however_it_arrives(pieces: list[bytes]) -> None:
    async with answering(*pieces) as connect:
        connection = await connect()
        for _ in range(3):
            assert await connection.ask(b"x", b'"viewer"') == WHOLE
        assert await connection.data(b"x") == {"viewer": "me"}
        connection.close()


@pytest.mark.parametrize(
    "answer", [WHOLE.replace(b"200 OK", b"429 No"), WHOLE.replace(b"viewer", b"errors"), WHOLE.replace(b"me", b"it")]
)
async def test_what_says_something_else_is_no_answer(answer: bytes) -> None:
    async with answering(answer) as connect:
        connection = await connect()
        with pytest.raises(NotAsExpected, match="expected"):
            await connection.ask(b"x", b'{"data":{"viewer":"me"}}')
        connection.close()


async def test_a_connection_that_is_closed_is_an_error_and_not_waited_on() -> None:
    async with answering(WHOLE[:20], close=True) as connect:
        connection = await connect()
        with pytest.raises(ConnectionError, match="closed"):
            await connection.ask(b"x")


async def test_a_connection_that_ended_while_nothing_was_asked_is_opened_again() -> None:
    async with answering(WHOLE, close=True) as connect:
        connection = await connect()
        for _ in range(3):
            assert await connection.ask(b"x") == WHOLE
            await asyncio.wait_for(connection._lost.wait(), 5)
        connection.close()


async def test_a_refusal_ends_a_loop_of_many_connections() -> None:
    async with answering(WHOLE.replace(b"200 OK", b"503 No")) as connect:
        connections = [await connect() for _ in range(3)]
        with pytest.raises(NotAsExpected, match="503"):
            await closed_loop(connections, lambda: b"x", b"", seconds=5)
        for connection in connections:
            connection.close()


def test_a_document_is_a_whole_request() -> None:
    request = Document.of("secret", "{ viewer }")({"a": "ü"})
    head, _, body = request.partition(b"\r\n\r\n")
    assert body == '{"query":"{ viewer }","variables":{"a":"ü"}}'.encode()
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"Authorization: Bearer secret" in head


async def test_paced_acts_begin_whether_earlier_ones_are_done_or_not() -> None:
    begun: list[int] = []
    all_began = asyncio.Event()

    async def act() -> None:
        begun.append(len(begun))
        if len(begun) == 5:
            all_began.set()
        await all_began.wait()

    await paced(1000, [act] * 5)
    assert begun == list(range(5))


async def test_the_first_error_of_several_is_raised_and_the_others_are_ended() -> None:
    ended = asyncio.Event()

    async def for_ever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def fail() -> None:
        raise ValueError("the one")

    with pytest.raises(ValueError, match="the one"):
        await together(for_ever(), fail())
    assert ended.is_set()
