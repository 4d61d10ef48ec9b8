"""What slow and hostile clients cost others: `python -m benchmarks.hostile_clients [KIND]…`.

Starts an instance of its own with one web process. For each kind of client it prints how long another client's requests
waited meanwhile, and how much memory the web process held: at most, and while the clients stay. Waits are in processor
time of the web process, so that other load of the machine does not count.
"""

import asyncio
import http.client
import multiprocessing
import re
import secrets
import socket
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx
import orjson
import psutil

from benchmarks.instance import an_instance, people_of
from oms.domain.access.permissions import Viewer
from oms.domain.tokens.commands import issue_token
from oms.domain.vocabulary.actor import Role
from oms.platform.db import Database
from oms.tools.dev_services.embedded import running_instance
from oms.web.auth.credentials import DeviceCookie
from tests.platform.conftest import Instance
from tests.system.browser.elsewhere import Elsewhere
from tests.web.conftest import account_of

LINES: Final = 2_000
MIB: Final = 1024 * 1024
SIGN_INS: Final = 10
STAY_S: Final = 12.0
"""How long a client that only waits stays."""

_ORDER: Final = "order(id: $id) { id lines { id sku name quantity unavailableQuantity unitPrice { amount currency } } }"
_MARKS: Final = "a" + "\u0345" * 15_900 + "\u0334" * 15_900
_HANDSHAKE: Final = (
    b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
_POST: Final = b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@dataclass
class Scene:
    """The instance, and what hostile clients know. `sockets` stay open until the kind has been measured.

    `manager`: the login and password of a manager. `notes` are printed below the table.
    """

    url: str
    cookie: str
    form_token: str
    visitor: str
    order_id: str
    token: str
    manager: dict[str, str]
    notes: list[str] = field(default_factory=list)
    sockets: list[asyncio.StreamWriter] = field(default_factory=list)

    async def connect(self, sent: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(self.url)
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.setblocking(False)
        await asyncio.get_running_loop().sock_connect(connection, (parts.hostname, parts.port))
        reader, writer = await asyncio.open_connection(sock=connection, limit=4096)
        self.sockets.append(writer)
        writer.write(sent)
        return reader, writer

    def reading(self, credentials: str, times: int = 1) -> bytes:
        """A request for the order, so many times at once."""
        fields = " ".join(f"a{n}: {_ORDER}" for n in range(times))
        body = orjson.dumps({"query": f"query ($id: ID!) {{ {fields} }}", "variables": {"id": self.order_id}})
        return _POST + f"{credentials}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def long_logins(scene: Scene) -> None:
    """A login of combining marks, whose normal form costs the square of its length."""
    form = f"password=x&form_token={scene.form_token}&login={_MARKS}".encode()
    headers = {"Cookie": scene.visitor, "Sec-Fetch-Site": "same-origin"}
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    async with httpx.AsyncClient(base_url=scene.url, timeout=60) as browser:
        for _ in range(5):
            await browser.post("/sign-in", content=form, headers=headers)


async def endless_trailers(scene: Scene) -> None:
    """After a body that has ended in a 401."""
    _, writer = await scene.connect(_POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n")
    await sent_as_far_as_possible(writer, b"a:b\r\n" * 50_000, times=80)


async def endless_bodies(scene: Scene) -> None:
    """After a 401, a byte now and then."""
    writers = [(await scene.connect(_POST + b"Content-Length: 1000\r\n\r\n"))[1] for _ in range(300)]
    for _ in range(int(STAY_S)):
        for writer in writers:
            writer.write(b"x")
        await asyncio.sleep(1)


async def unread_answers(scene: Scene) -> None:
    """Of 3 MB each, to a machine that reads one byte of each."""
    for _ in range(60):
        reader, writer = await scene.connect(scene.reading(f"Authorization: Bearer {scene.token}", times=9))
        await writer.drain()
        await reader.read(1)
        await asyncio.sleep(0.05)
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a stream's transport can


async def read_answers(scene: Scene) -> None:
    """The same answers, read at once: what making them takes, for comparison."""
    for _ in range(60):
        reader, writer = await scene.connect(scene.reading(f"Authorization: Bearer {scene.token}", times=9))
        answer = await reader.readuntil(b"\r\n\r\n")
        if length := re.search(rb"content-length: (\d+)", answer):
            await reader.readexactly(int(length[1]))
        writer.transport.abort()
        await asyncio.sleep(0.05)


async def early_messages(scene: Scene) -> None:
    """4 MiB over each of 100 WebSockets, before the greeting."""
    for _ in range(100):
        _, writer = await scene.connect(_HANDSHAKE)
        frame = b"\x81\xff" + (4 * MIB - 1).to_bytes(8, "big") + bytes(4)
        await sent_as_far_as_possible(writer, frame + b"x" * (4 * MIB - 100), times=1)


async def many_frames(scene: Scene) -> None:
    """Pings over 20 WebSockets, whose pongs nobody reads."""
    for _ in range(20):
        _, writer = await scene.connect(_HANDSHAKE)
        await sent_as_far_as_possible(writer, b"\x89\x80\x00\x00\x00\x00" * 40_000, times=4)


async def long_heads(scene: Scene) -> None:
    for _ in range(100):
        await scene.connect(b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"X: " + b"x" * 120 * 1024)


async def long_pipelines(scene: Scene) -> None:
    for _ in range(20):
        _, writer = await scene.connect(b"")
        await sent_as_far_as_possible(writer, b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n" * 8_000, times=1)


async def tiny_chunks(scene: Scene) -> None:
    for _ in range(20):
        _, writer = await scene.connect(_POST + b"Transfer-Encoding: chunked\r\n\r\n")
        await sent_as_far_as_possible(writer, b"1\r\nx\r\n" * 40_000, times=1)


async def a_customer_with_a_long_order(scene: Scene) -> None:
    """Reads an order of 2,000 lines again and again, 50 times a second."""
    head = len(b"HTTP/1.1 200")

    async def read_again() -> None:
        reader, writer = await scene.connect(b"")
        for _ in range(5):
            writer.write(scene.reading(f"Cookie: {scene.cookie}\r\nSec-Fetch-Site: same-origin"))
            answer = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", answer)
            if not length or answer[:head] != b"HTTP/1.1 200":
                return
            await reader.readexactly(int(length[1]))

    await asyncio.gather(*(read_again() for _ in range(20)))


async def sign_in_flood(scene: Scene) -> None:
    """Wrong passwords from 40 addresses, each as soon as the one before is answered. A manager signs in meanwhile."""
    cookies = {"Cookie": scene.visitor, "Sec-Fetch-Site": "same-origin"}
    ends = asyncio.Event()

    async def guess(number: int) -> int:
        """Returns how many guesses were answered 503 at once."""
        refused, transport = 0, httpx.AsyncHTTPTransport(local_address=f"127.0.0.{number}")
        form = {"form_token": scene.form_token, "login": f"somebody-{number}", "password": "a guess"}
        async with httpx.AsyncClient(base_url=scene.url, transport=transport, timeout=60, headers=cookies) as browser:
            while not ends.is_set():
                with suppress(httpx.TransportError):  # the server may close a connection between two requests
                    refused += (await browser.post("/sign-in", data=form)).status_code == 503
        return refused

    async def signed_in(more: str = "") -> httpx.Response:
        headers = cookies | {"Cookie": scene.visitor + more}
        async with httpx.AsyncClient(base_url=scene.url, timeout=60, headers=headers) as browser:
            return await browser.post("/sign-in", data=scene.manager | {"form_token": scene.form_token})

    name = DeviceCookie(secure=False).name
    device = (await signed_in()).cookies[name]

    async def signed_in_again() -> httpx.Response:
        """In the known browser, whose secret each sign-in replaces."""
        nonlocal device
        response = await signed_in(f"; {name}={device}")
        device = response.cookies.get(name, device)
        return response

    alone = [(await signed_in_again()).elapsed for _ in range(SIGN_INS)]
    guesses = [asyncio.create_task(guess(number)) for number in range(2, 42)]
    await asyncio.sleep(2)
    known = [await signed_in_again() for _ in range(SIGN_INS)]
    unknown = [await signed_in() for _ in range(SIGN_INS)]
    ends.set()
    refused = sum(await asyncio.gather(*guesses))
    elsewhere = [response.elapsed for response in unknown if response.status_code == 303]
    scene.notes.append(
        f"A manager's sign-in: {_ms(alone)} alone; in the flood {_ms([each.elapsed for each in known])} in a known"
        f" browser ({sum(each.status_code == 303 for each in known)} of {SIGN_INS} signed in), elsewhere"
        f" {_ms(elsewhere)} ({len(elsewhere)} of {SIGN_INS}, others 503). Guesses refused at once: {refused}."
    )


def _ms(waits: list[timedelta]) -> str:
    if not waits:
        return "never"
    in_ms = [1_000 * wait.total_seconds() for wait in waits]
    return f"{statistics.median(in_ms):.0f} ms, worst {max(in_ms):.0f}"


KINDS: Final[dict[str, Callable[[Scene], Awaitable[None]]]] = {
    kind.__name__: kind
    for kind in (
        long_logins, endless_trailers, endless_bodies, read_answers, unread_answers, early_messages, many_frames,
        long_heads, long_pipelines, tiny_chunks, a_customer_with_a_long_order, sign_in_flood,
    )
}  # fmt: skip


async def sent_as_far_as_possible(writer: asyncio.StreamWriter, data: bytes, *, times: int) -> None:
    """Until the server closes, or does not read for a second."""
    try:
        for _ in range(times):
            writer.write(data)
            await asyncio.wait_for(writer.drain(), 1)
    except (ConnectionError, TimeoutError):
        return


# measuring


def running_s(pid: int) -> float:
    """Processor time of the process's main thread."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def probe(url: str, cookie: str, pid: int, ends: Event, waits: Any) -> None:
    """Another client: sends one small request after another, and notes the processor time until each response."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    headers = {"Cookie": cookie, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}
    measured_ms = []
    while not ends.is_set():
        began_s = running_s(pid)
        connection.request("POST", "/graphql", '{"query": "{ viewer { name } }"}', headers)
        response = connection.getresponse()
        if response.status not in (200, 429):
            raise RuntimeError(response.read())
        response.read()
        measured_ms.append(1_000 * (running_s(pid) - began_s))
        time.sleep(0.05)
    waits.put(measured_ms)


@asynccontextmanager
async def another_client(scene: Scene, cookie: str, pid: int) -> AsyncIterator[list[float]]:
    """Its waits, in ms, when the block has ended."""
    ends, waits = multiprocessing.Event(), multiprocessing.Queue()  # type: ignore[var-annotated]
    process = multiprocessing.Process(target=probe, args=(scene.url, cookie, pid, ends, waits))
    process.start()
    measured_ms: list[float] = []
    await asyncio.sleep(1)
    try:
        yield measured_ms
    finally:
        ends.set()
        measured_ms += await asyncio.to_thread(waits.get, timeout=60)
        process.join()


async def measure(name: str, scene: Scene, cookie: str, web: psutil.Process) -> str:
    before, highest = web.memory_info().rss, 0

    async def watch() -> None:
        nonlocal highest
        while True:
            highest = max(highest, web.memory_info().rss)
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    async with another_client(scene, cookie, web.pid) as waits_ms:
        await KINDS[name](scene)
        await asyncio.sleep(2)
    held = web.memory_info().rss - before
    watching.cancel()
    connected = sum(each.status == "ESTABLISHED" for each in web.net_connections("tcp")) - 1
    for writer in scene.sockets:
        writer.transport.abort()
    scene.sockets.clear()
    await asyncio.sleep(1)
    median, worst = statistics.median(waits_ms), max(waits_ms)
    return (
        f"| {name.replace('_', ' ')} | {median:.1f} | {worst:.0f} | {max(0, highest - before) / MIB:.0f}"
        f" | {max(0, held) / MIB:.0f} | {max(0, connected)} |"
    )


async def scene_of(instance: Instance, elsewhere: Elsewhere) -> Scene:
    order_id = await elsewhere.place({"COFFEE-1KG": 1})
    running = running_instance(Path(instance.environment["OMS_DATA_DIR"]))
    if not (running and running.database_url):
        raise SystemExit(instance.output)
    db = Database(running.database_url, pool_size=1, notify=lambda _: None)
    async with db.transaction() as tx:
        token = await issue_token(tx, role=Role.SERVICE, name="hostile", customer_reference=None, days=None)
    password = secrets.token_urlsafe()
    manager = await account_of(db, Viewer("a manager", Role.MANAGER), password=password)
    await db.close()
    database = await asyncpg.connect(running.database_url.replace("+asyncpg", ""))
    await database.execute(
        """INSERT INTO order_lines (order_id, number, sku, quantity, unit_price_minor)
        SELECT order_id, n, sku, 1, 100 FROM order_lines, generate_series(2, $2) n WHERE order_id = $1""",
        UUID(hex=order_id.removeprefix("ord_")), LINES,
    )  # fmt: skip
    await database.close()
    async with httpx.AsyncClient(base_url=instance.url) as browser:
        form_token = re.search(r'name="form_token" value="([^"]+)"', (await browser.get("/")).text)
        visitor = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies.jar)
    if form_token is None:
        raise SystemExit("The start page has no form.")
    cookie = f"oms_session={await elsewhere.session('customer')}"
    return Scene(
        instance.url, cookie, form_token[1], visitor, order_id, token, {"login": manager.login, "password": password}
    )


async def main(names: list[str]) -> None:
    limits = {
        "OMS_STRANGER_REQUESTS_PER_S": "50",
        "OMS_SIGN_IN_RATE_FROM_ADDRESS": "1000/minute",
        "OMS_SIGN_IN_RATE": "1000/minute",
    }
    with an_instance(**limits) as instance:
        elsewhere = people_of(instance)
        scene = await scene_of(instance, elsewhere)
        other = f"oms_session={await elsewhere.session('support')}"
        web = instance.child("oms", "web")
        print("| clients | median ms | worst ms | MiB at most | MiB held | connections left |")
        print("| --- | ---: | ---: | ---: | ---: | ---: |")
        for name in names:
            print(await measure(name, scene, other, web), flush=True)
        print(*scene.notes, sep="\n")
        await elsewhere.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or list(KINDS)))
