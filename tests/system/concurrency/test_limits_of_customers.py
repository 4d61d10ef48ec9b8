"""One customer, many processes: what they hold unpaid stays within the limit."""

import asyncio
import sys

from tests.shop import ShopUnderTest

PROCESSES = 4
ORDERS = 5
"""Of each process, of two units."""

MOST_UNITS = 7


async def test_twenty_orders_placed_at_once_never_pass_the_limit(shop: ShopUnderTest, database_url: str) -> None:
    await shop.stock_up({"MUG": {"A": 100}})
    placers = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.system.concurrency.placer"),
            *(database_url, f"p{number}", str(ORDERS), str(MOST_UNITS)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for number in range(PROCESSES)
    ]
    for placer in placers:
        assert placer.stdout
        assert await placer.stdout.readline() == b"ready\n"
    ended = await asyncio.gather(*(placer.communicate(b"go\n") for placer in placers))
    assert [error.decode() for _, error in ended if error] == []
    assert [placer.returncode for placer in placers] == [0] * PROCESSES
    assert await shop.rows("SELECT sum(quantity) FROM order_lines") == [(MOST_UNITS // 2 * 2,)]
