"""The workloads: one module for each kind, and the list of all."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.load.figures import Figures
from benchmarks.load.ground import Ground
from benchmarks.load.workloads import flash, latency, life, live, memory, place, reads, start

ORDERS_TO_READ: Final = 10_000
"""In an otherwise empty database."""

Prepare = Callable[[Ground], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Workload:
    """`run` measures for so many seconds. Those that `grow` are measured on a filled database, too.

    `warms_up`: a shorter run comes first and is thrown away. `fresh`: each run begins without the orders of the last.
    """

    name: str
    about: str
    run: Callable[[Ground, float], Awaitable[Figures]]
    workers: bool = True
    readable: int = 0
    grows: bool = True
    warms_up: bool = True
    fresh: bool = False
    by_default: bool = True


WORKLOADS: Final = (
    Workload("place", "placeOrder, one order of two lines a request", place.single, workers=False),
    Workload("bulk", "placeOrders, a hundred orders a request, four requests at once", place.bulk, workers=False),
    Workload("life", "whole life: placed, allocated, billed, booked, dispatched, delivered, completed", life.sustained),
    Workload("idle", "placed to BOOKED, one order after the other on an idle system", latency.idle),
    Workload("half", "placed to BOOKED at half of the rate of the whole life", latency.at_half_load),
    Workload("detail", "one order: lines, shipments with invoice, events", reads.detail, readable=ORDERS_TO_READ),
    Workload("list", "a page of 50 orders, 8 fields each", reads.orders, readable=ORDERS_TO_READ),
    Workload("page", "a customer's order as a page", reads.order_page, readable=ORDERS_TO_READ),
    Workload("search", "by numbers, names, addresses and SKUs", reads.search, readable=ORDERS_TO_READ),
    Workload("live", "subscribers, each to its own order", live.subscribed, grows=False, warms_up=False, fresh=True),
    Workload("flash", "one SKU for half of the orders", flash.one_sku, grows=False, warms_up=False, fresh=True),
    Workload("limit", "one customer at the limit", flash.one_customer, grows=False, warms_up=False, fresh=True),
    Workload("start", "a web process, from its start to ready", start.web, workers=False, grows=False, warms_up=False),
    Workload("memory", "whole life for as long as asked, memory looked at", memory.over_time, grows=False,
             warms_up=False, by_default=False),
)  # fmt: skip
"""In the order in which they run. Those that are not `by_default` run only if they are named."""
