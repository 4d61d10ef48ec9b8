"""What happens, told to those who watch: one hub in each process, fed by doorbells and, should they fail, the log.

A doorbell names orders; the hub reads which of their events it has not told yet, and wakes who watches them. Once a
second it does the same for every order that the log shows as changed, so a lost doorbell costs a second and nothing
else. Both go one way, one after the other: each event is told once, in its order's order. While nobody watches,
nothing is read.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Final, TypeVar
from uuid import UUID

import structlog
from graphql import GraphQLError
from sqlalchemy.ext.asyncio import AsyncConnection

from oms.domain.order_queries import event_log
from oms.domain.order_queries.event_log import LoggedEvent, ShipmentChange
from oms.platform.db import Database, News, is_outage
from oms.web.graphql.errors import ErrorCode

log = structlog.get_logger(__name__)

K = TypeVar("K")

REREAD_EVERY_S: Final = 1.0
LONGEST_INBOX: Final = 10_000
"""Shipment changes that a subscriber may be behind."""

MAX_REMEMBERED: Final = 100_000
"""Orders told beyond the watermark, which a transaction open for long holds back. More are told twice."""

_TRANSACTIONS_AT_ONCE: Final = 200
_ORDERS_AT_ONCE: Final = 500


class LiveHub:
    """Implements the schema's `Live`. Somebody must call `ring` with the doorbells heard, and run `follow`."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._orders: dict[UUID, set[asyncio.Event]] = {}
        self._customers: dict[str | None, set[asyncio.Event]] = {}
        self._inboxes: set[_Inbox] = set()
        self._settings_bells: set[asyncio.Event] = set()

        self._watchers = 0
        self._starting = asyncio.Lock()
        self._watched = asyncio.Event()
        self._rung = News()
        self._wake = asyncio.Event()
        self._reread_at_s = 0.0

        self._watermark = 0
        self._told: dict[UUID, tuple[int, int]] = {}  # order: last number told, latest transaction told
        self._settings_seq = 0

    async def order(self, order_id: UUID) -> AsyncGenerator[None, None]:
        """Yields once at once, then after every change of the order or its shipments; close ones merge."""
        async with aclosing(self._hear(self._orders, order_id)) as rings:
            async for _ in rings:
                yield

    async def orders_of(self, customer_reference: str | None) -> AsyncGenerator[None, None]:
        """Yields once at once, then after every change of an order of that customer; None: of any order."""
        async with aclosing(self._hear(self._customers, customer_reference)) as rings:
            async for _ in rings:
                yield

    async def _hear(self, all_bells: dict[K, set[asyncio.Event]], key: K) -> AsyncGenerator[None, None]:
        bell = asyncio.Event()
        async with self._watching():
            bells = all_bells.setdefault(key, set())
            bells.add(bell)
            try:
                yield
                while True:
                    await _rung(bell)
                    yield
            finally:
                bells.remove(bell)
                if not bells:
                    del all_bells[key]

    async def shipments(self) -> AsyncGenerator[ShipmentChange, None]:
        """Yields for every change of any shipment. Raises GraphQLError(UNAVAILABLE) at who falls too far behind."""
        inbox = _Inbox()
        async with self._watching():
            self._inboxes.add(inbox)
            try:
                while True:
                    yield await inbox.take()
            finally:
                self._inboxes.remove(inbox)

    async def fraud_settings(self) -> AsyncGenerator[None, None]:
        """Yields once at once, then after every change; close ones merge."""
        bell = asyncio.Event()
        async with self._watching():
            async with self._starting:
                if not self._settings_bells:
                    async with self._db.reading() as conn:
                        self._settings_seq = await event_log.fraud_settings_seq(conn)
                self._settings_bells.add(bell)
            try:
                yield
                while True:
                    await _rung(bell)
                    yield
            finally:
                self._settings_bells.remove(bell)

    @property
    def watchers(self) -> int:
        """How many subscriptions are open."""
        return self._watchers

    @asynccontextmanager
    async def _watching(self) -> AsyncIterator[None]:
        """Whoever is the first sets the watermark, before it reads what it will be told the changes of."""
        async with self._starting:
            if self._watchers == 0:
                async with self._db.reading() as conn:
                    self._watermark = await event_log.horizon(conn)
                self._told.clear()
                self._reread_at_s = asyncio.get_running_loop().time() + REREAD_EVERY_S
            self._watchers += 1
            self._watched.set()
        try:
            yield
        finally:
            self._watchers -= 1
            if self._watchers == 0:
                self._watched.clear()

    def ring(self, news: News) -> None:
        """A doorbell was heard."""
        orders = news.orders if self._watches_all else news.orders & self._orders.keys()
        settings = news.fraud_settings and bool(self._settings_bells)
        if orders or settings:
            self._rung.orders |= orders
            self._rung.fraud_settings |= settings
            self._wake.set()

    @property
    def _watches_all(self) -> bool:
        """Whether somebody has to hear of orders that nobody named."""
        return bool(self._inboxes or self._customers)

    def reread(self) -> None:
        """Doorbells may have been missed: read the log now rather than at the next second."""
        self._reread_at_s = 0.0
        self._wake.set()

    async def follow(self) -> None:
        """Tells what happens, until cancelled. Outlives the database's absence."""
        while True:
            await self._watched.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._reread_at_s):
                    await self._wake.wait()
            self._wake.clear()
            rung, self._rung = self._rung, News()
            try:
                await self._look(rung)
            except Exception as error:  # noqa: BLE001 - live changes must go on, whatever it was
                self._stumbled(error, rung)
                await asyncio.sleep(REREAD_EVERY_S)

    def _stumbled(self, error: Exception, rung: News) -> None:
        """Nothing is lost: what was rung is looked at again, and the watermark stayed where it was."""
        if is_outage(error):
            log.warning("Live changes wait for the database", error=repr(error))
        else:
            log.error("Live changes stumbled and go on", exc_info=error)
        self._rung.orders |= rung.orders
        self.reread()

    async def _look(self, rung: News) -> None:
        """First at what was rung, which may be beyond the horizon, then at the log if a second has passed."""
        now_s = asyncio.get_running_loop().time()
        due = now_s >= self._reread_at_s
        async with self._db.reading() as conn:
            await self._tell(conn, rung.orders)
            if due:
                self._reread_at_s = now_s + REREAD_EVERY_S
                await self._read_log(conn)
            if due or rung.fraud_settings:
                await self._look_at_settings(conn)

    async def _read_log(self, conn: AsyncConnection) -> None:
        start, stop = self._watermark, await event_log.horizon(conn)
        while start < stop:
            changed, start = await event_log.orders_changed(conn, start, stop, limit=_TRANSACTIONS_AT_ONCE)
            await self._tell(conn, changed)
        self._watermark = max(stop, self._watermark)
        self._told = {order: told for order, told in self._told.items() if told[1] >= self._watermark}

    async def _tell(self, conn: AsyncConnection, orders: set[UUID]) -> None:
        """Reads what is new of those orders that anybody watches, and wakes who does."""
        watched = list(orders if self._watches_all else orders & self._orders.keys())
        for first in range(0, len(watched), _ORDERS_AT_ONCE):
            told = {order: self._told.get(order, (0, 0))[0] for order in watched[first : first + _ORDERS_AT_ONCE]}
            self._pass_on(await event_log.new_events(conn, told, self._watermark))

    def _pass_on(self, events: Iterable[LoggedEvent]) -> None:
        for event in events:
            _, transaction = self._told.get(event.order_id, (0, 0))
            self._told[event.order_id] = (event.seq, max(transaction, event.transaction))
            if len(self._told) > MAX_REMEMBERED:
                del self._told[next(iter(self._told))]
            for bell in (
                *self._orders.get(event.order_id, ()),
                *self._customers.get(event.customer_reference, ()),
                *self._customers.get(None, ()),
            ):
                bell.set()
            for change in event.shipment_changes():
                for inbox in self._inboxes:
                    inbox.put(change)

    async def _look_at_settings(self, conn: AsyncConnection) -> None:
        if not self._settings_bells:
            return
        seq = await event_log.fraud_settings_seq(conn)
        if seq != self._settings_seq:
            self._settings_seq = seq
            for bell in self._settings_bells:
                bell.set()


class _Inbox:
    """The changes one subscriber has not taken yet, at most LONGEST_INBOX of them."""

    def __init__(self) -> None:
        self._changes: deque[ShipmentChange] = deque()
        self._bell = asyncio.Event()
        self._full = False

    def put(self, change: ShipmentChange) -> None:
        if len(self._changes) >= LONGEST_INBOX:
            self._full = True
            self._changes.clear()
        if not self._full:
            self._changes.append(change)
        self._bell.set()

    async def take(self) -> ShipmentChange:
        """The oldest change, waited for. Raises GraphQLError(UNAVAILABLE) where changes had to be dropped."""
        while not self._changes:
            if self._full:
                message = "You read more slowly than shipments change: read the list anew, then subscribe again."
                raise GraphQLError(message, extensions={"code": str(ErrorCode.UNAVAILABLE)})
            self._bell.clear()
            await self._bell.wait()
        return self._changes.popleft()


async def _rung(bell: asyncio.Event) -> None:
    """Until the bell was rung; rings in between merge."""
    await bell.wait()
    bell.clear()
