"""Everybody wants the same: one SKU, or one customer at the spending limit, against the same work without contention.

Half of the orders get what they want in either case, so both do the same work, and what differs is whom they wait for.
"""

import time
from collections.abc import Iterator
from typing import Final

from benchmarks.load.catalogue import an_order_of, customer, offer_products, stock_up
from benchmarks.load.figures import Figures, memory, spending
from benchmarks.load.ground import Ground
from benchmarks.load.http import Connection, NotAsExpected
from benchmarks.load.loops import together
from benchmarks.load.workloads.place import PLACE, PLACED
from oms.domain.actor import Role

Orders = Iterator[dict[str, object]]

PLAIN_SKUS: Final = 500
PRICE_MINOR: Final = 1_000
TOTAL_MINOR: Final = 1_000 + 200 + 550
"""Of one unit, as the sandbox bills it: 20 % of tax, 500 and 50 of shipping."""

_SET_LIMIT: Final = "mutation ($limit: MinorUnits!) { setSpendingLimit(limit: $limit) { userErrors { message } } }"
_NOT_ALLOCATED: Final = "SELECT count(*) FROM orders WHERE status = 'PENDING'"
_ALLOCATED: Final = "SELECT coalesce(sum(allocated), 0)::int FROM stock WHERE sku LIKE $1"
_CHARGED: Final = "SELECT count(*) FROM shipments WHERE payment_status = 'SUCCEEDED'"
_HIGHEST: Final = "SELECT max(spent_minor) FROM tallies"


async def one_sku(ground: Ground, _seconds: float) -> Figures:
    """`ratio`: the rate of orders worked off, for one SKU against the same orders spread over many."""
    count = ground.options.flash_orders
    await _offer(ground, {"FLASH-0": count // 2})
    with spending(ground.shop.processes) as spent:
        await _work_off(ground, (an_order_of(ground.reference(), customer(n + 1), "FLASH-0") for n in range(count)))
    allocated = await ground.owner.fetchval(_ALLOCATED, "FLASH-%")
    figures = spent.each(count) | memory(ground.shop.processes)
    _require(allocated == count // 2, f"{allocated} units were allocated of {count // 2}")
    await ground.begin(workers=True)
    spread = min(PLAIN_SKUS, count // 2)
    await _offer(ground, {f"PLAIN-{n}": len(range(n, count // 2, spread)) for n in range(spread)})
    began_s = time.perf_counter()
    await _work_off(
        ground, (an_order_of(ground.reference(), customer(n + 1), f"PLAIN-{n % spread}") for n in range(count))
    )
    plain = count / (time.perf_counter() - began_s)
    return figures | {"allocated": allocated, "plain_per_s": plain, "ratio": figures["rate_per_s"] / plain}


async def one_customer(ground: Ground, _seconds: float) -> Figures:
    """`ratio`: the rate of orders worked off, of one customer against the same orders of many customers."""
    count = ground.options.orders_at_the_limit
    await _offer(ground, {"LIMIT-0": count})
    await _limit(ground, TOTAL_MINOR * (count // 2))
    with spending(ground.shop.processes) as spent:
        await _work_off(ground, (an_order_of(ground.reference(), customer(1), "LIMIT-0") for _ in range(count)))
    charged, highest = await ground.owner.fetchval(_CHARGED), await ground.owner.fetchval(_HIGHEST)
    figures = spent.each(count) | memory(ground.shop.processes)
    _require(charged == count // 2, f"{charged} orders were charged of {count // 2}")
    _require(highest <= TOTAL_MINOR * (count // 2), f"the tally is {highest}")
    await ground.begin(workers=True)
    await _offer(ground, {"LIMIT-0": count})
    await _limit(ground, TOTAL_MINOR)
    began_s = time.perf_counter()
    await _work_off(ground, (an_order_of(ground.reference(), customer(n // 2 + 1), "LIMIT-0") for n in range(count)))
    plain = count / (time.perf_counter() - began_s)
    await _limit(ground, 0)
    return figures | {"charged": charged, "plain_per_s": plain, "ratio": figures["rate_per_s"] / plain}


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise NotAsExpected(problem)


async def _offer(ground: Ground, units: dict[str, int]) -> None:
    token = ground.tokens[Role.SERVICE]
    async with ground.connections(1) as [connection]:
        await offer_products(connection, token, dict.fromkeys(units, PRICE_MINOR))
        await stock_up(connection, token, units)


async def _limit(ground: Ground, minor: int) -> None:
    async with ground.connections(1) as [connection]:
        await connection.ask(ground.document(Role.MANAGER, _SET_LIMIT)({"limit": minor}), PLACED)


async def _work_off(ground: Ground, orders: Orders) -> None:
    """Until all are placed and workers have nothing left to do."""
    document = ground.document(Role.SERVICE, PLACE)

    async def place(connection: Connection) -> None:
        for order in orders:  # one iterator: each takes the next that nobody has taken
            await connection.ask(document({"input": order}), PLACED)

    async with ground.connections(ground.options.connections) as connections:
        await together(*map(place, connections))
    await ground.until(_NOT_ALLOCATED, 0)
    await ground.until_all_is_done()
