"""Whether many open pages stay live: `python -m benchmarks.open_pages [PAGES] [CHANGES_PER_S]`.

Starts an instance of its own with one web process and opens that many pages of orders as a browser would: one stream
each, and the page again whenever it rings. Then a courier dispatches and delivers, so many presses a second. Prints
milliseconds from a press being sent to the ring and to the changed page at each reader, and the web process's memory.
"""

import asyncio
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any, Final

import httpx
import psutil

from benchmarks.instance import an_instance, people_of
from tests.system.browser.elsewhere import Elsewhere

PAGES_OF_AN_ORDER: Final = 10
SETTLE_S: Final = 3.0


@dataclass
class OpenPage:
    """One reader of an order's page."""

    order_id: str
    rings: list[float] = field(default_factory=list)
    changed: list[float] = field(default_factory=list)


async def main(pages: int, changes_per_s: float) -> None:
    with an_instance() as instance:
        elsewhere = people_of(instance)
        web = instance.child("oms", "web")
        orders = await asyncio.gather(
            *(elsewhere.booked({"COFFEE-1KG": 1}) for _ in range(max(1, pages // PAGES_OF_AN_ORDER)))
        )
        before_mb = memory_mb(web)
        readers = [OpenPage(orders[number % len(orders)]["id"]) for number in range(pages)]
        cookie = f"oms_session={await elsewhere.session('customer')}"
        host = instance.url.removeprefix("http://")
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
        async with httpx.AsyncClient(
            base_url=instance.url, headers={"Cookie": cookie}, limits=limits, timeout=30
        ) as http:
            open_pages = [asyncio.create_task(read(http, host, cookie, reader)) for reader in readers]
            await until_all_rang(readers)
            print(f"{pages} pages open: web process {before_mb:.0f} MB before, {memory_mb(web):.0f} MB with them")
            cpu_s, began_s = cpu(web), time.perf_counter()
            presses = await press(elsewhere, orders, changes_per_s)
            busy = (cpu(web) - cpu_s) / (time.perf_counter() - began_s)
            await asyncio.sleep(SETTLE_S)
            sent = sum(map(len, presses.values()))
            print(f"{sent} presses at {changes_per_s:g}/s: {busy:.0%} of a core, {memory_mb(web):.0f} MB")
            for page in open_pages:
                page.cancel()
            ended = await asyncio.gather(*open_pages, return_exceptions=True)
        print(f"streams that broke: {sum(not isinstance(end, asyncio.CancelledError) for end in ended)}")
        report("press to ring", delays_ms(presses, {id(r): (r.order_id, r.rings) for r in readers}))
        report("press to changed page", delays_ms(presses, {id(r): (r.order_id, r.changed) for r in readers}))
        await elsewhere.close()


async def read(http: httpx.AsyncClient, host: str, cookie: str, reader: OpenPage) -> None:
    """Keeps one stream open; requests the page at each notification, as htmx does."""
    address, port = host.split(":")
    source, sink = await asyncio.open_connection(address, int(port))
    request = f"GET /live?on=order%20{reader.order_id} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\n\r\n"
    sink.write(request.encode())
    try:
        while line := await source.readline():
            if line.startswith(b"event: changed"):
                reader.rings.append(time.perf_counter())
                (await http.get(f"/orders/{reader.order_id}")).raise_for_status()
                reader.changed.append(time.perf_counter())
        raise ConnectionError("the stream ended")
    finally:
        sink.close()


async def until_all_rang(readers: list[OpenPage]) -> None:
    """Each stream has one notification when it is opened."""
    while not all(reader.changed for reader in readers):  # noqa: ASYNC110 - a look now and then is enough
        await asyncio.sleep(0.1)
    await asyncio.sleep(SETTLE_S)


async def press(elsewhere: Elsewhere, orders: list[dict[str, Any]], changes_per_s: float) -> dict[str, list[float]]:
    """Dispatches, then delivers every shipment; returns when each command was sent, by order."""
    presses: dict[str, list[float]] = defaultdict(list)
    under_way = []
    for act in (elsewhere.dispatch, elsewhere.deliver):
        for order in orders:
            presses[order["id"]].append(time.perf_counter())
            under_way.append(asyncio.create_task(act(order["shipments"][0]["id"])))
            await asyncio.sleep(1 / changes_per_s)
    await asyncio.gather(*under_way)
    return presses


def delays_ms(presses: dict[str, list[float]], heard: dict[int, tuple[str, list[float]]]) -> list[float]:
    """From each command until a reader of its order was notified; infinite if it never was."""
    return [
        (next((at for at in times if at > pressed), float("inf")) - pressed) * 1000
        for order_id, times in heard.values()
        for pressed in presses[order_id]
    ]


def memory_mb(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 1e6


def cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def report(name: str, figures_ms: list[float]) -> None:
    cuts = quantiles(figures_ms, n=100, method="inclusive")
    print(
        f"{name}: n {len(figures_ms)}, p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms, longest {max(figures_ms):.0f} ms"
    )


if __name__ == "__main__":
    arguments = [float(argument) for argument in sys.argv[1:]]
    asyncio.run(main(int(arguments[0]) if arguments else 1000, arguments[1] if len(arguments) > 1 else 5))
