"""Contention: orders for one SKU, or of one customer at the spending limit, against the same work without contention.

Half of the orders get what they want in either case, so both do the same work, and what differs is whom they wait for.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks.load.catalogue import an_order_of, customer, offer_products, stock_up
from benchmarks.load.figures import Figures, memory, spending
from benchmarks.load.ground import Ground
from benchmarks.load.http import Connection, NotAsExpected
from benchmarks.load.loops import together
from benchmarks.load.workloads.place import PLACE, PLACED
from oms.domain.vocabulary.actor import Role

PLAIN_SKUS: Final = 500
PRICE_MINOR: Final = 1_000
TOTAL_MINOR: Final = 1_000 + 200 + 550
"""The invoice total of one unit in the sandbox: 20 % tax, 500 and 50 for shipping."""

_SET_LIMIT: Final = "mutation ($limit: MinorUnits!) { setSpendingLimit(limit: $limit) { userErrors { message } } }"
_ALLOCATED: Final = "SELECT allocated FROM stock WHERE sku = 'FLASH-0'"
_CHARGED: Final = "SELECT count(*) FROM shipments WHERE payment_status = 'SUCCEEDED'"
_HIGHEST: Final = "SELECT max(spent_minor) FROM tallies"


async def one_sku(ground: Ground, _seconds: float) -> Figures:
    """`ratio`: the rate of processed orders for one SKU, to that of the same orders for many SKUs."""
    count = ground.options.flash_orders
    spread = min(PLAIN_SKUS, count // 2)
    await _offer(ground, {f"PLAIN-{n}": len(range(n, count // 2, spread)) for n in range(spread)})
    plain = await _work_off(
        ground, [an_order_of(ground.reference(), customer(n + 1), f"PLAIN-{n % spread}") for n in range(count)]
    )
    await ground.begin(workers=True)
    await _offer(ground, {"FLASH-0": count // 2})
    flash = await _work_off(ground, [an_order_of(ground.reference(), customer(n + 1), "FLASH-0") for n in range(count)])
    allocated = await ground.owner.fetchval(_ALLOCATED)
    _require(allocated == count // 2, f"{allocated} units were allocated of {count // 2}")
    return flash | _against(plain, flash) | {"allocated": allocated}


async def one_customer(ground: Ground, _seconds: float) -> Figures:
    """`ratio`: the rate of processed orders of one customer, to that of the same orders of many customers."""
    count = ground.options.orders_at_the_limit
    await _offer(ground, {"LIMIT-0": count})
    await _limit(ground, TOTAL_MINOR)
    plain = await _work_off(
        ground, [an_order_of(ground.reference(), customer(n // 2 + 1), "LIMIT-0") for n in range(count)]
    )
    await ground.begin(workers=True)
    await _offer(ground, {"LIMIT-0": count})
    await _limit(ground, TOTAL_MINOR * (count // 2))
    limited = await _work_off(ground, [an_order_of(ground.reference(), customer(1), "LIMIT-0") for _ in range(count)])
    charged, highest = await ground.owner.fetchval(_CHARGED), await ground.owner.fetchval(_HIGHEST)
    _require(charged == count // 2, f"{charged} orders were charged of {count // 2}")
    _require(highest <= TOTAL_MINOR * (count // 2), f"the tally is {highest}")
    await _limit(ground, 0)
    return limited | _against(plain, limited) | {"charged": charged}


def _against(plain: Figures, contended: Figures) -> Figures:
    return {"plain_per_s": plain["rate_per_s"], "ratio": contended["rate_per_s"] / plain["rate_per_s"]}


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


async def _work_off(ground: Ground, orders: Sequence[Mapping[str, object]]) -> Figures:
    """Waits until all are placed and workers have nothing left to do."""
    document = ground.document(Role.SERVICE, PLACE)
    waiting = iter(orders)

    async def place(connection: Connection) -> None:
        for order in waiting:  # one iterator: each takes the next that nobody has taken
            await connection.ask(document({"input": order}), PLACED)

    with spending(ground.shop.processes) as spent:
        async with ground.connections(ground.options.connections) as connections:
            await together(*map(place, connections))
        await ground.until_all_is_done()
    return spent.each(len(orders)) | memory(ground.shop.processes)
