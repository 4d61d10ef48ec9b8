"""What workloads need: the shop, tokens of its callers, and a connection to its database as the owner."""

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import asyncpg

from benchmarks.filling.fill import fill_running
from benchmarks.load import catalogue
from benchmarks.load.figures import Figures
from benchmarks.load.http import Address, Connection, Document, NotAsExpected
from benchmarks.load.loops import connect
from benchmarks.load.options import Options
from benchmarks.load.shop import Shop
from oms.domain.access.permissions import Viewer
from oms.domain.audit.model import OPERATOR
from oms.domain.identity import account_commands as accounts
from oms.domain.identity import session_commands as sessions
from oms.domain.identity.accounts import NewAccount
from oms.domain.identity.sessions import SessionRules
from oms.domain.tokens.commands import issue_token
from oms.domain.vocabulary.actor import Role
from oms.platform.db import Database
from oms.platform.grants import address_of
from oms.web.auth.credentials import SessionCookie

_OF_ORDERS: Final = {
    "order_lines": "order_id", "order_events": "order_id", "shipments": "order_id", "allocations": "order_id",
    "order_terms": "order_id", "order_notes": "order_id", "work": "subject_id",
}  # fmt: skip
"""Tables, and the column that has the order's id."""
_TIMEOUT_S: Final = 300.0
_WORKERS_THERE: Final = "SELECT count(*) FROM workers WHERE seen_at > clock_timestamp() - interval '3 seconds'"
_PLACED: Final = "SELECT count(*) FROM order_references WHERE reference >= $1 AND reference < $2"
_FREE_REFERENCES: Final = "DELETE FROM order_references r USING orders o WHERE o.id > $1 AND r.reference = o.reference"
_LEFT_TO_DO: Final = "SELECT EXISTS (SELECT FROM work WHERE queue <> 'deadlines')"


@dataclass(slots=True)
class Ground:
    """`filled`: the number of old orders in the database. `earlier`: the runs of workloads measured before."""

    shop: Shop
    options: Options
    owner: "asyncpg.Pool[asyncpg.Record]"
    tokens: Mapping[Role, str]
    cookie: str
    filled: int
    earlier: Mapping[str, list[Figures]] = field(default_factory=dict)
    _references: Any = field(default_factory=itertools.count)
    _run: str = field(default_factory=lambda: secrets.token_hex(4).upper())

    def reference(self) -> str:
        """The reference of a new order."""
        return f"B{self._run}-{next(self._references)}"

    async def placed(self) -> int:
        """The number of orders that this run placed."""
        prefix = f"B{self._run}-"
        return int(await self.owner.fetchval(_PLACED, prefix, prefix + "~"))

    def document(self, role: Role, text: str, **options: str) -> Document:
        return Document.of(self.tokens[role], text, **options)

    @asynccontextmanager
    async def connections(self, count: int, to: list[Address] | None = None) -> AsyncIterator[list[Connection]]:
        """Connections to all web processes, or to the given ones."""
        opened = await connect(to or self.shop.webs, count)
        try:
            yield opened
        finally:
            for connection in opened:
                connection.close()

    async def begin(self, *, workers: bool, readable: int = 0) -> None:
        """Prepares a run: only old orders, full stock, and workers or none.

        Without old orders, adds `readable` of them.
        """
        self.shop.stop_workers()
        await self._clear()
        self.shop.clear_calls()
        if readable and not self.filled:
            await fill_running(self.shop.engines.owner_url, readable, lambda _: None)
        if workers:
            self.shop.start_workers()
            await self.until(_WORKERS_THERE, self.options.worker_processes)

    async def _clear(self) -> None:
        if self.filled:
            last = await self.owner.fetchval("SELECT filling.order_id($1)", self.filled)
            await self.owner.execute(_FREE_REFERENCES, last)
            for table, order_id in _OF_ORDERS.items():
                await self.owner.execute(f"DELETE FROM {table} WHERE {order_id} > $1", last)  # noqa: S608 - names above
            await self.owner.execute("DELETE FROM orders WHERE id > $1", last)
            await self.owner.execute(f"VACUUM {', '.join(_OF_ORDERS)}, orders, order_references")
            await self.owner.execute("TRUNCATE figures; INSERT INTO figures TABLE filling.figures")
        else:
            await self.owner.execute(f"TRUNCATE {', '.join(_OF_ORDERS)}, orders, order_references, customers, tallies")
            await self.owner.execute("TRUNCATE figures, figures_progress")
        await self.owner.execute("TRUNCATE idempotency_keys, workers")
        await self.owner.execute("UPDATE stock SET allocated = 0, on_hand = $1", catalogue.PLENTY)
        await self.owner.execute("VACUUM (ANALYZE) stock")

    async def analyze(self) -> None:
        """As autovacuum would within minutes, so that no plans for empty tables are measured."""
        await self.owner.execute("ANALYZE")

    async def until(self, query: str, value: object) -> None:
        """Repeats the query until it returns the value. Raises NotAsExpected after a timeout."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                while await self.owner.fetchval(query) != value:  # noqa: ASYNC110 - a database sends no event
                    await asyncio.sleep(0.05)
        except TimeoutError as problem:
            raise NotAsExpected(f"after {_TIMEOUT_S:.0f} s still not {value}: {query}") from problem

    async def until_all_is_done(self) -> None:
        """Waits until workers have nothing left to do. Raises NotAsExpected."""
        await self.until(_LEFT_TO_DO, False)


async def stand_on(shop: Shop, options: Options, filled: int) -> Ground:
    """Creates callers, catalogue and stock; the web processes must run."""
    db = Database(shop.engines.database_url, pool_size=1, notify=lambda _: None)
    async with db.transaction() as tx:
        tokens = {
            role: await issue_token(tx, role=role, name=name, customer_reference=None, days=1)
            for role, name in ((Role.SERVICE, "cart"), (Role.COURIER, "courier"), (Role.SUPPORT, "support"),
                               (Role.MANAGER, "manager"))
        }  # fmt: skip
    cookie = await _signed_in(db, Viewer("benchmark", Role.CUSTOMER, catalogue.customer(1)))
    await db.close()
    owner = await asyncpg.create_pool(address_of(shop.engines.owner_url), min_size=1, max_size=2)
    ground = Ground(shop, options, owner, tokens, cookie, filled)
    async with ground.connections(1) as [connection]:
        await catalogue.offer(connection, tokens[Role.SERVICE])
    return ground


async def _signed_in(db: Database, viewer: Viewer) -> str:
    """The cookie of a new account that has signed in."""
    login = f"{viewer.name}-{secrets.token_hex(4)}"
    rules = SessionRules(idle_timeout=timedelta(hours=8), max_lifetime=timedelta(days=1), demo=False)
    async with db.transaction() as tx:
        new = NewAccount(login, viewer.name, viewer.role, viewer.customer_reference)
        account = await accounts.add(tx, OPERATOR, new, password_hash="nobody's")  # noqa: S106 - no password has it
    async with db.transaction() as tx:
        secret = await sessions.start(tx, account, rules, by="password")
    return f"{SessionCookie(secure=True).name}={secret}"
