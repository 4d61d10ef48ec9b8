"""`python -m oms replay`: prepares, places, processes and reports."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop
from rich.console import Console

from oms.platform.settings import Settings
from oms.tools.replay.actors.cart import Cart
from oms.tools.replay.actors.closing import Closing
from oms.tools.replay.actors.couriers import Couriers
from oms.tools.replay.actors.customers import Customers
from oms.tools.replay.actors.loading import load
from oms.tools.replay.chunks import chunks
from oms.tools.replay.client.access import NoToken, address_of, token
from oms.tools.replay.client.api import Api, ApiFailure
from oms.tools.replay.client.connection import Connections
from oms.tools.replay.client.documents import MAX_ROOT_FIELDS, order_statuses, subjects
from oms.tools.replay.ledger import Ledger
from oms.tools.replay.progress import show_progress
from oms.tools.replay.report import Report, print_report, report_on
from oms.tools.replay.source.files import UnreadableSource, orders
from oms.tools.replay.source.survey import Survey, survey

REQUEST_TIMEOUT_S = 30.0
RETRY_FOR_S = 60.0
PLAIN_WIDTH = 100

CLEAN = 0
NOT_CLEAN = 1
COULD_NOT_RUN = 2


@dataclass(frozen=True, slots=True)
class Options:
    """The options; docs/guides/replay.md explains them. `wait_s`: how long no order may become final."""

    files: Sequence[Path]
    rate: float | None = None
    limit: int | None = None
    concurrency: int = 8
    bulk: int = 1
    wait_s: float = 180.0
    anonymous: bool = False
    restock: bool = False
    url: str | None = None
    json_file: Path | None = None


def run(options: Options, settings: Settings) -> int:
    """Returns the exit code: 0 if all orders became final and the sums hold, 1 if not, 2 if the replay failed."""
    console = Console(stderr=True)
    try:
        report = uvloop.run(replay(options, settings, console))
    except (UnreadableSource, NoToken, ApiFailure) as problem:
        console.print(f"The replay failed: {problem}", style="red", soft_wrap=True, highlight=False)
        return COULD_NOT_RUN
    print_report(report, Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH))
    if options.json_file is not None:
        options.json_file.write_bytes(report.as_json())
    return CLEAN if report.is_clean else NOT_CLEAN


async def replay(options: Options, settings: Settings, console: Console) -> Report:
    """Raises: UnreadableSource, NoToken, ApiFailure. The next run finds the orders placed so far."""
    url = options.url or address_of(settings)
    cart_token = await token("SERVICE", "replay-cart")
    courier_token = await token("COURIER", "replay-courier")
    found = survey(options.files, anonymous=options.anonymous)
    async with Connections(url, REQUEST_TIMEOUT_S) as connections:
        cart = Api(connections, cart_token, retry_for_s=RETRY_FOR_S)
        courier = Api(connections, courier_token, retry_for_s=RETRY_FOR_S)
        stocked = await load(cart, found, restock=options.restock)
        console.print(
            f"{url}: {len(found.warehouses)} warehouses, {len(found.products)} products, "
            f"{stocked} of {len(found.opening_stock)} stock levels set",
            soft_wrap=True,
            highlight=False,
        )
        ledger = Ledger()
        await _run(options, ledger, found, console, cart=cart, courier=courier)
        return report_on(
            ledger,
            statuses_of_open=await _statuses_of_open(cart, ledger),
            requests_retried=cart.retried_requests + courier.retried_requests,
        )


async def _run(options: Options, ledger: Ledger, found: Survey, console: Console, *, cart: Api, courier: Api) -> None:
    """Runs cart, customers, couriers and the progress display together until all orders are final."""
    customers = Customers(cart, ledger, wait_s=options.wait_s)
    placing = Cart(cart, ledger, customers, concurrency=options.concurrency, bulk=options.bulk, rate=options.rate)
    total = found.orders_count if options.limit is None else min(options.limit, found.orders_count)
    try:
        async with asyncio.TaskGroup() as tasks:
            background = [
                tasks.create_task(customers.run()),
                tasks.create_task(Couriers(courier, ledger).run()),
                tasks.create_task(show_progress(ledger, console, total)),
            ]
            closing = tasks.create_task(Closing(cart, ledger, wait_s=options.wait_s).run())
            await placing.place_all(orders(options.files, anonymous=options.anonymous), options.limit)
            await closing
            for task in background:
                task.cancel()
    except* ApiFailure as failures:
        raise _first(failures) from failures


def _first(failures: BaseExceptionGroup[ApiFailure]) -> ApiFailure:
    """One failure of nested groups: the tasks share a server, so they fail for the same reason."""
    failure: BaseException = failures
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure if isinstance(failure, ApiFailure) else ApiFailure(str(failure))


async def _statuses_of_open(api: Api, ledger: Ledger) -> dict[str, str]:
    """The statuses of orders that did not become final, by reference."""
    statuses: dict[str, str] = {}
    for part in chunks(list(ledger.open), MAX_ROOT_FIELDS):
        found = await api.execute(order_statuses(len(part)), subjects(part))
        for order_id, order in zip(part, found.values(), strict=True):
            status = "not found" if order is None else str(order["status"])
            statuses[ledger.open[order_id].reference] = status
    return statuses
