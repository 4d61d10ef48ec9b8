"""A shop for tests: the real rules, tables and jobs on a real database. Tests run the jobs, instead of a worker."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from oms.domain.access.permissions import Viewer
from oms.domain.amendments import commands as amendments
from oms.domain.audit.chain.sealing import seal
from oms.domain.cancellation import commands as cancellation
from oms.domain.catalog import commands as catalog
from oms.domain.catalog.model import Product, Warehouse
from oms.domain.concepts import REGISTRY, metadata
from oms.domain.fulfilment import commands as shipments
from oms.domain.fulfilment.commands import CourierAction, MoveShipment
from oms.domain.identity.sessions import SessionRules
from oms.domain.inventory import commands as stock
from oms.domain.inventory.commands import StockCount
from oms.domain.order.details import OrderDetails
from oms.domain.order.model import Order
from oms.domain.order.storage.load import peek
from oms.domain.placing import commands as orders
from oms.domain.placing.request import LineRequest, OrderRequest
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.errors import Refused
from oms.jobs.consumer import Consumer
from oms.jobs.context import JobContext
from oms.platform.db import Changes, Database, Tx
from oms.providers.sandbox.call_log import CallLog, Outcome
from oms.providers.sandbox.from_settings import FILE_NAME
from oms.providers.sandbox.rules import SandboxRules
from oms.providers.sandbox.sandbox import Sandbox
from tests.owner import owner_of

CART = Viewer("cart", Role.SERVICE)
COURIER = Viewer("courier", Role.COURIER)
MANAGER = Viewer("manager", Role.MANAGER)
SUPPORT = Viewer("support", Role.SUPPORT)

SESSION_RULES = SessionRules(idle_timeout=timedelta(hours=8), max_lifetime=timedelta(days=1), demo=False)

GROWING = ", ".join(name for name in REGISTRY.tables if name != "fraud_settings")


TRUNCATE_EVERY = 100
"""Deleted rows take up space until then, because the tests' tables are never vacuumed."""
_EMPTIED = itertools.count(1)
_REFERRING_FIRST = [table.name for table in reversed(metadata.sorted_tables) if table.name != "fraud_settings"]


def customer(reference: str) -> Viewer:
    return Viewer(reference, Role.CUSTOMER, reference)


async def empty(owner: Database) -> None:
    """Bring every table to its state after the migrations. For few rows, DELETE takes 1 ms, TRUNCATE 20 ms.

    A process of the test before may still be writing, in another order of tables: the loser of a deadlock tries again.
    """
    for _attempt in range(2):
        try:
            await _empty(owner)
        except DBAPIError as error:
            if "deadlock detected" not in str(error):
                raise
        else:
            return
    await _empty(owner)


async def _empty(owner: Database) -> None:
    async with owner.transaction() as tx:
        await tx.conn.execute(text(f"LOCK TABLE {GROWING}"))  # wait for other transactions, as TRUNCATE does
        if next(_EMPTIED) % TRUNCATE_EVERY:
            await _execute_together(tx, [f"DELETE FROM {name}" for name in _REFERRING_FIRST])
        else:
            await tx.conn.execute(text(f"TRUNCATE {GROWING}"))
        reset = "UPDATE fraud_settings SET limits = '{}', maintenance = false, period = 1, last_seq = 0"
        await tx.conn.execute(text(reset))


async def _execute_together(tx: Tx, statements: Iterable[str]) -> None:
    """Execute the statements in one message to the server."""
    driver = (await tx.conn.get_raw_connection()).driver_connection
    assert driver
    await driver.execute("; ".join(statements))


@dataclass
class ShopUnderTest:
    """`changes` collects what would have been notified.

    `db` has the application's database role; `owner` has the role that owns the tables.
    """

    db: Database
    owner: Database
    work: JobContext
    sandbox: Sandbox
    log: CallLog
    changes: list[Changes] = field(default_factory=list)
    placed: int = 0

    async def stock_up(self, units: dict[str, dict[str, int]], *, price: int = 1000, currency: str = "USD") -> None:
        """Units on hand by SKU and warehouse; products and warehouses are created as needed."""
        codes = sorted({code for held in units.values() for code in held})
        async with self.db.transaction() as tx:
            await catalog.upsert_warehouses(tx, MANAGER, [Warehouse(code, code) for code in codes])
            await catalog.upsert_products(tx, MANAGER, [Product(sku, sku, price, currency) for sku in units])
            counts = [StockCount(sku, code, n) for sku, held in units.items() for code, n in held.items()]
            await stock.set_stock(tx, MANAGER, counts)

    async def place(self, lines: dict[str, int] | list[tuple[str, int]], **fields: Any) -> UUID:
        """Places an order of (SKU, quantity) lines, as the cart or as `by`. Raises Refused where it is refused."""
        self.placed += 1
        by = fields.pop("by", CART)
        pairs = lines.items() if isinstance(lines, dict) else lines
        request = OrderRequest(
            reference=fields.pop("reference", f"order-{self.placed}"),
            customer_reference=fields.pop("customer", "ana"),
            lines=tuple(LineRequest(sku, quantity) for sku, quantity in pairs),
            payment_method=fields.pop("payment_method", "sandbox-ok"),
            details=OrderDetails(*(fields.pop(name, None) for name in ("email", "shipping_address", "phone"))),
            **fields,
        )
        async with self.db.transaction() as tx:
            [result] = await orders.place(tx, [(by, request)])
        if isinstance(result, Refused):
            raise result
        return result.id

    async def run(self, *queues: str) -> None:
        """Does all work that is due now, of all queues or of those named, until none is left."""
        consumer = Consumer(self.work, queues or tuple(REGISTRY.work_kinds))
        before = None
        while (now := await self._fingerprint()) != before:
            before = now
            for queue in consumer.queues:
                await consumer.wake(queue)
            await consumer.finish()

    async def _fingerprint(self) -> object:
        query = "SELECT coalesce(sum(last_seq), 0) FROM orders UNION ALL SELECT coalesce(sum(attempt), 0) FROM work"
        return await self.rows(query)

    async def seal(self) -> None:
        """All entries of the audit log, also if a transaction of another test was still open when they were written."""
        unsealed = "SELECT count(*) FROM audit_events WHERE id NOT IN (SELECT audit_id FROM audit_chain)"
        while await self.rows(unsealed) != [(0,)]:
            await seal(self.db)

    async def order(self, order_id: UUID) -> Order:
        async with self.db.transaction() as tx:
            return (await peek(tx, [order_id], items=True))[order_id]

    async def dispatch(self, order_id: UUID, number: int = 1) -> None:
        async with self.db.transaction() as tx:
            [result] = await shipments.move(tx, [(COURIER, MoveShipment(CourierAction.DISPATCH, (order_id, number)))])
        if isinstance(result, Refused):
            raise result

    async def deliver(self, order_id: UUID, number: int = 1) -> None:
        async with self.db.transaction() as tx:
            [result] = await shipments.move(tx, [(COURIER, MoveShipment(CourierAction.DELIVER, (order_id, number)))])
        if isinstance(result, Refused):
            raise result

    async def try_again(self, order_id: UUID, number: int = 1, reason: str = "Nobody was there") -> None:
        async with self.db.transaction() as tx:
            await shipments.try_again(tx, COURIER, (order_id, number), reason, max_attempts=3)

    async def fail(self, order_id: UUID, number: int = 1, reason: str = "Lost") -> None:
        async with self.db.transaction() as tx:
            await shipments.fail(tx, COURIER, (order_id, number), reason)

    async def accept(self, order_id: UUID) -> None:
        async with self.db.transaction() as tx:
            await amendments.accept(tx, CART, order_id)

    async def cancel(self, order_id: UUID, viewer: Viewer = SUPPORT) -> None:
        async with self.db.transaction() as tx:
            await cancellation.cancel(tx, viewer, order_id, "Changed my mind")

    async def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        async with self.db.reading() as conn:
            return [tuple(row) for row in await conn.execute(text(query), values)]

    async def execute(self, statement: str, **values: Any) -> None:
        """Runs as the owner, because the application's role must not change some tables."""
        async with self.owner.transaction() as tx:
            await tx.conn.execute(text(statement), values)

    async def events(self, order_id: UUID) -> list[str]:
        query = "SELECT type FROM order_events WHERE order_id = :id ORDER BY seq"
        return [kind for (kind,) in await self.rows(query, id=order_id)]

    async def levels(self) -> dict[tuple[str, str], tuple[int, int]]:
        """(on hand, allocated) by (SKU, warehouse)."""
        found = await self.rows("SELECT sku, warehouse_code, on_hand, allocated FROM stock")
        return {(sku, code): (on_hand, allocated) for sku, code, on_hand, allocated in found}

    async def tally(self, currency: str = "USD") -> int:
        """What all customers together have spent in the current period."""
        query = (
            "SELECT coalesce(sum(spent_minor), 0) FROM tallies JOIN fraud_settings USING (period) WHERE currency = :c"
        )
        return int((await self.rows(query, c=currency))[0][0])

    def charges(self) -> list[str]:
        """Keys of the charges that took effect in the billing system."""
        calls = [call.entry for call in self.log.page(limit=10_000)]
        return [call.key for call in calls if call.operation == "charge" and call.outcome == Outcome.EFFECT]


@asynccontextmanager
async def open_shop(database_url: str, folder: Path, **rules: Any) -> AsyncIterator[ShopUnderTest]:
    """An empty shop; `rules` are the sandbox's, `answer_within` and `attempts` the work's."""
    changes: list[Changes] = []
    db = Database(database_url, pool_size=5, notify=changes.append)
    owner = Database(owner_of(database_url), pool_size=1, notify=lambda _changes: None)
    answer_within = rules.pop("answer_within", timedelta(hours=1))
    attempts = rules.pop("attempts", 3)
    log = CallLog(folder / FILE_NAME)
    sandbox = Sandbox(SandboxRules(**rules), log)
    work = JobContext(
        db, sandbox, sandbox, answer_within=answer_within, lease=timedelta(seconds=30), batch=100, attempts=attempts
    )
    try:
        await empty(owner)
        yield ShopUnderTest(db, owner, work, sandbox, log, changes)
    finally:
        await sandbox.aclose()
        await owner.close()
        await db.close()


async def together(*awaitables: Any) -> list[Any]:
    """Awaits all at once; returns errors as values."""
    return await asyncio.gather(*awaitables, return_exceptions=True)
