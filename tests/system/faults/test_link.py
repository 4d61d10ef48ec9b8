"""A link forwards everything, in order, however it delays it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from tests.system.faults.link import HOST, Link, Moment


@pytest.fixture
async def echo() -> AsyncIterator[Link]:
    """A link to a server that returns what it receives."""

    async def repeat(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1000):
                writer.write(data)
        writer.close()

    server = await asyncio.start_server(repeat, HOST, 0)
    port = int(server.sockets[0].getsockname()[1])
    link = Link(lambda: [port], mark=b"!")
    await link.open()
    yield link
    link.close()
    server.close()


async def test_delayed_and_held_data_arrives_complete_and_in_order(echo: Link) -> None:
    reader, writer = await asyncio.open_connection(HOST, echo.port)
    sent = b""
    for number in range(60):
        echo.delay_s = (number % 3) * 0.002
        sent += (piece := b"%d," % number)
        writer.write(piece)
        if number == 30:
            echo.hold()
        await asyncio.sleep(0.001)
    echo.release()
    assert await asyncio.wait_for(reader.readexactly(len(sent)), 5) == sent
    writer.close()


@pytest.mark.parametrize("moment", Moment)
async def test_a_cut_request_gets_no_answer_and_the_next_one_does(echo: Link, moment: Moment) -> None:
    echo.cut_next([moment])
    for expected in (b"", b"ask!"):
        reader, writer = await asyncio.open_connection(HOST, echo.port)
        writer.write(b"ask!")
        try:
            got = await asyncio.wait_for(reader.read(4), 5)
        except ConnectionResetError:
            got = b""
        assert got == expected
        writer.close()
    assert (echo.cut_count, echo.cuts_left) == (1, 0)
