"""Many processes on one database: nothing is oversold, charged twice, or left unfinished."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.shop import ShopUnderTest

SECONDS = 5
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
ACTIONS = ("place", "place", "accept_or_cancel", "move", "manage", "work", "work")


@pytest.mark.trial
async def test_processes_that_compete_for_stock_and_limit_leave_the_books_consistent(
    shop: ShopUnderTest, database_url: str, tmp_path: Path
) -> None:
    await shop.stock_up({"HOT": {"A": 60, "B": 40}, "WARM": {"B": 200}, "COOL": {"A": 1}}, price=1000)
    deadlocks = await shop.rows(DEADLOCKS)
    racers = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.system.concurrency.racer"),
            *(database_url, str(tmp_path), action, str(seed), str(SECONDS)),
            stderr=asyncio.subprocess.PIPE,
        )
        for seed, action in enumerate(ACTIONS)
    ]
    ended = await asyncio.gather(*(racer.communicate() for racer in racers))
    errors = [err.decode() for racer, (_, err) in zip(racers, ended, strict=True) if racer.returncode]
    assert not errors, errors[0]
    for _ in range(3):
        await shop.execute("UPDATE work SET due_at = clock_timestamp(), leased_until = NULL WHERE queue <> 'deadlines'")
        await shop.run()
    await _assert_consistent(shop)
    assert await shop.rows(DEADLOCKS) == deadlocks, "locks are taken in one order everywhere"


async def _assert_consistent(shop: ShopUnderTest) -> None:
    assert len(await shop.rows("SELECT id FROM orders")) > 50
    held = """
        SELECT k.sku, k.warehouse_code, k.allocated, coalesce(sum(a.quantity), 0)
        FROM stock k LEFT JOIN shipments s ON s.warehouse_code = k.warehouse_code AND s.status IN ('PENDING', 'BOOKED')
        LEFT JOIN allocations a ON a.order_id = s.order_id AND a.shipment = s.number AND a.sku = k.sku
        GROUP BY 1, 2, 3 HAVING k.allocated <> coalesce(sum(a.quantity), 0)
    """
    assert await shop.rows(held) == []
    gone = """
        SELECT a.sku, sum(a.quantity) FROM allocations a JOIN shipments s
            ON s.order_id = a.order_id AND s.number = a.shipment
        WHERE s.dispatched_at IS NOT NULL GROUP BY 1
    """
    left = {"HOT": 100, "WARM": 200, "COOL": 1}
    for sku, units in await shop.rows(gone):
        left[sku] -= units
    assert dict(await shop.rows("SELECT sku, sum(on_hand) FROM stock GROUP BY 1")) == left
    assert await shop.rows("SELECT order_id FROM shipments WHERE payment_status = 'CHARGING'") == []
    charged = (
        "SELECT order_id, subject FROM order_events WHERE type = 'ShipmentCharged' GROUP BY 1, 2 HAVING count(*) > 1"
    )
    assert await shop.rows(charged) == []
    assert len(shop.charges()) == len(set(shop.charges()))
    within_maintenance = """
        WITH switches AS (
            SELECT at AS since, lead(at, 1, 'infinity') OVER (ORDER BY seq) AS until,
                   (after->>'maintenance')::boolean AS is_on
            FROM fraud_events WHERE type = 'MaintenanceSwitched')
        SELECT e.order_id, e.at, m.since, m.until FROM order_events e
        JOIN switches m ON m.is_on AND e.at > m.since AND e.at < m.until WHERE e.type = 'ChargeStarted'
    """
    assert await shop.rows(within_maintenance) == []
    gaps = "SELECT order_id FROM order_events GROUP BY 1 HAVING max(seq) <> count(*) OR min(seq) <> 1"
    assert await shop.rows(gaps) == []
    tallies = """
        SELECT t.customer_id, t.spent_minor, coalesce(sum(s.charged_minor - s.refunded_minor), 0)
        FROM tallies t JOIN orders o USING (customer_id, currency)
        LEFT JOIN shipments s ON s.order_id = o.id AND s.spending_period = t.period AND s.payment_status = 'SUCCEEDED'
        GROUP BY 1, 2, t.period HAVING t.spent_minor <> coalesce(sum(s.charged_minor - s.refunded_minor), 0)
    """
    assert await shop.rows(tallies) == []
