"""Live changes for subscribers: one hub per process, fed by notifications and, in case one is lost, by the event log.

A notification names orders. The hub reads their new events and wakes the subscribers. Once a second it does the same
for every order that the log shows as changed, so a lost notification costs a second and nothing else. One task does
both, so each event is delivered once, in the order of its order's events. Without subscribers nothing is read.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager, suppress
from itertools import chain
from typing import Final, TypeVar
from uuid import UUID

import structlog
from graphql import GraphQLError
from sqlalchemy.ext.asyncio import AsyncConnection

from oms.domain.notes import store as note_store
from oms.domain.notes.model import NOTES
from oms.domain.order_queries import event_log
from oms.domain.order_queries.event_log import Horizon, LoggedEvent, ShipmentChange
from oms.platform.db import Changes, Database
from oms.platform.faults.outages import is_outage
from oms.web.errors.codes import ErrorCode

log = structlog.get_logger(__name__)

K = TypeVar("K")

REREAD_EVERY_S: Final = 1.0
MAX_INBOX: Final = 10_000
"""Shipment changes that a subscriber may be behind."""

MAX_TRACKED_ORDERS: Final = 100_000
"""Orders delivered beyond the watermark, which a long transaction holds back. Above this, some are delivered twice."""

REPEAT_S: Final = 30.0
"""After a fail-over, changes of this time are delivered again: at least as long as a standby may be behind."""

_TRANSACTIONS_AT_ONCE: Final = 200
_ORDERS_AT_ONCE: Final = 500
_FRAUD_SETTINGS: Final = "fraud_settings"


class LiveHub:
    """Implements the schema's `Live`. Call `notify` with the changes that others commit, and run `follow`."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._orders: dict[UUID, set[asyncio.Event]] = {}
        self._customers: dict[str | None, set[asyncio.Event]] = {}
        self._inboxes: set[_Inbox] = set()
        self._settings: set[asyncio.Event] = set()
        self._notes: dict[UUID, set[asyncio.Event]] = {}

        self._subscribers = 0
        self._starting = asyncio.Lock()
        self._has_subscribers = asyncio.Event()
        self._notified = Changes()
        self._wake = asyncio.Event()
        self._reread_at_s = 0.0

        self._watermark = 0
        self._timeline: str | None = None
        self._history: deque[tuple[float, int]] = deque()  # seconds of the loop's clock, watermark then
        self._delivered: dict[UUID, tuple[int, int]] = {}  # order: last number, latest transaction
        self._settings_seq = 0
        self._note_numbers: dict[UUID, int] = {}  # order: its newest note

    async def order(self, order_id: UUID) -> AsyncGenerator[None, None]:
        """Yields at once, then after every change of the order or its shipments; changes close together merge."""
        async with aclosing(self._subscribe(self._orders, order_id)) as changes:
            async for _ in changes:
                yield

    async def orders_of(self, customer_reference: str | None) -> AsyncGenerator[None, None]:
        """Yields at once, then after every change of an order of that customer; None: of any order."""
        async with aclosing(self._subscribe(self._customers, customer_reference)) as changes:
            async for _ in changes:
                yield

    async def _subscribe(self, by_key: dict[K, set[asyncio.Event]], key: K) -> AsyncGenerator[None, None]:
        changed = asyncio.Event()
        async with self._subscribed():
            subscribers = by_key.setdefault(key, set())
            subscribers.add(changed)
            try:
                yield
                while True:
                    await _next_change(changed)
                    yield
            finally:
                subscribers.remove(changed)
                if not subscribers:
                    del by_key[key]

    async def shipments(self) -> AsyncGenerator[ShipmentChange, None]:
        """Yields for every change of any shipment. Raises GraphQLError(UNAVAILABLE) if the subscriber is too slow."""
        inbox = _Inbox()
        async with self._subscribed():
            self._inboxes.add(inbox)
            try:
                while True:
                    yield await inbox.take()
            finally:
                self._inboxes.remove(inbox)

    async def fraud_settings(self) -> AsyncGenerator[None, None]:
        """Yields at once, then after every change; changes close together merge."""
        changed = asyncio.Event()
        async with self._subscribed():
            async with self._starting:
                if not self._settings:
                    async with self._db.reading() as conn:
                        self._settings_seq = await event_log.fraud_settings_seq(conn)
                self._settings.add(changed)
            try:
                yield
                while True:
                    await _next_change(changed)
                    yield
            finally:
                self._settings.remove(changed)

    async def notes(self, order_id: UUID) -> AsyncGenerator[None, None]:
        """Yields at once, then after every new note on the order; notes close together merge."""
        changed = asyncio.Event()
        async with self._subscribed():
            async with self._starting:
                if order_id not in self._notes:
                    async with self._db.reading() as conn:
                        self._note_numbers |= await note_store.last_numbers(conn, [order_id])
                self._notes.setdefault(order_id, set()).add(changed)
            try:
                yield
                while True:
                    await _next_change(changed)
                    yield
            finally:
                self._notes[order_id].remove(changed)
                if not self._notes[order_id]:
                    del self._notes[order_id]
                    self._note_numbers.pop(order_id, None)

    @property
    def subscribers(self) -> int:
        """How many subscriptions are open."""
        return self._subscribers

    @asynccontextmanager
    async def _subscribed(self) -> AsyncIterator[None]:
        """The first subscriber sets the watermark before it reads anything, so that it misses no later change."""
        async with self._starting:
            if self._subscribers == 0:
                await self._begin()
                self._reread_at_s = asyncio.get_running_loop().time() + REREAD_EVERY_S
            self._subscribers += 1
            self._has_subscribers.set()
        try:
            yield
        finally:
            self._subscribers -= 1
            if self._subscribers == 0:
                self._has_subscribers.clear()

    async def _begin(self) -> None:
        async with self._db.reading() as conn:
            now = await event_log.horizon(conn)
            last = await event_log.last_transaction(conn)
        self._timeline, self._watermark = now.timeline, min(now.transaction, last + 1)
        self._history.clear()
        self._remember()
        self._delivered.clear()

    def notify(self, changes: Changes) -> None:
        """Somebody committed changes."""
        orders = changes.subjects if self._needs_all_orders else changes.subjects & self._orders.keys()
        topics = changes.topics & self._topics
        if orders or topics:
            self._notified.subjects |= orders
            self._notified.topics |= topics
            self._wake.set()

    @property
    def _topics(self) -> set[str]:
        """Those that have subscribers."""
        return {
            topic for topic, subscribers in ((_FRAUD_SETTINGS, self._settings), (NOTES, self._notes)) if subscribers
        }

    @property
    def _needs_all_orders(self) -> bool:
        return bool(self._inboxes or self._customers)

    def reread(self) -> None:
        """Notifications may have been missed: read the log now instead of at the next second."""
        self._reread_at_s = 0.0
        self._wake.set()

    async def follow(self) -> None:
        """Delivers changes until cancelled. Survives an outage of the database."""
        while True:
            await self._has_subscribers.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._reread_at_s):
                    await self._wake.wait()
            self._wake.clear()
            notified, self._notified = self._notified, Changes()
            try:
                await self._read_changes(notified)
            except Exception as error:  # noqa: BLE001 - live changes must go on after any bug
                self._retry(error, notified)
                await asyncio.sleep(REREAD_EVERY_S)

    def _retry(self, error: Exception, notified: Changes) -> None:
        """Nothing is lost: the notified orders are read again, and the watermark has not moved."""
        if is_outage(error):
            log.warning("Live changes wait for the database", error=repr(error))
        else:
            log.error("Reading live changes failed and is retried", exc_info=error)
        self._notified.subjects |= notified.subjects
        self.reread()

    async def _read_changes(self, notified: Changes) -> None:
        """First the notified orders, which may be beyond the horizon, then the log if a second has passed."""
        now_s = asyncio.get_running_loop().time()
        due = now_s >= self._reread_at_s
        async with self._db.reading() as conn:
            await self._read_orders(conn, notified.subjects)
            if due:
                self._reread_at_s = now_s + REREAD_EVERY_S
                await self._read_log(conn)
            if due or _FRAUD_SETTINGS in notified.topics:
                await self._read_settings(conn)
            if due or NOTES in notified.topics:
                await self._read_notes(conn)

    async def _read_log(self, conn: AsyncConnection) -> None:
        now = await event_log.horizon(conn)
        if now.timeline != self._timeline or now.transaction < self._watermark:
            self._go_back(now)
        start, stop, read_up_to = self._watermark, now.transaction, self._watermark
        while start < stop:
            changed, start, last = await event_log.orders_changed(conn, start, stop, limit=_TRANSACTIONS_AT_ONCE)
            await self._read_orders(conn, changed)
            if last is not None:
                read_up_to = last + 1
        self._watermark = max(read_up_to, self._watermark)
        self._remember()
        self._delivered = {order: last for order, last in self._delivered.items() if last[1] >= self._watermark}

    def _remember(self) -> None:
        """Where the watermark was, so that it can go back."""
        now_s = asyncio.get_running_loop().time()
        self._history.append((now_s, self._watermark))
        while len(self._history) > 1 and self._history[1][0] < now_s - REPEAT_S:
            self._history.popleft()

    def _go_back(self, now: Horizon) -> None:
        """Another server took over that may lack the last transactions, and gives their numbers to new ones.

        Repeats the last changes, and lets everybody read again: what they read last may never have happened there.
        """
        log.warning("Another database server took over: live changes are repeated", timeline=now.timeline)
        self._timeline, self._watermark = now.timeline, min(self._history[0][1], now.transaction)
        self._history.clear()
        self._remember()
        self._delivered.clear()
        self._settings_seq = -1
        self._note_numbers.clear()
        for changed in (*chain(*self._orders.values()), *chain(*self._customers.values())):
            changed.set()

    async def _read_orders(self, conn: AsyncConnection, orders: set[UUID]) -> None:
        """Reads the new events of those orders that have subscribers, and delivers them."""
        subscribed = list(orders if self._needs_all_orders else orders & self._orders.keys())
        for first in range(0, len(subscribed), _ORDERS_AT_ONCE):
            after = {
                order: self._delivered.get(order, (0, 0))[0] for order in subscribed[first : first + _ORDERS_AT_ONCE]
            }
            self._deliver(await event_log.new_events(conn, after, self._watermark))

    def _deliver(self, events: Iterable[LoggedEvent]) -> None:
        for event in events:
            _, transaction = self._delivered.get(event.order_id, (0, 0))
            self._delivered[event.order_id] = (event.seq, max(transaction, event.transaction))
            if len(self._delivered) > MAX_TRACKED_ORDERS:
                del self._delivered[next(iter(self._delivered))]
            for changed in (
                *self._orders.get(event.order_id, ()),
                *self._customers.get(event.customer_reference, ()),
                *self._customers.get(None, ()),
            ):
                changed.set()
            for change in event.shipment_changes():
                for inbox in self._inboxes:
                    inbox.put(change)

    async def _read_settings(self, conn: AsyncConnection) -> None:
        if not self._settings:
            return
        seq = await event_log.fraud_settings_seq(conn)
        if seq != self._settings_seq:
            self._settings_seq = seq
            for changed in self._settings:
                changed.set()

    async def _read_notes(self, conn: AsyncConnection) -> None:
        """Of all orders with subscribers, one for each open page of staff: each costs one look at an index."""
        if not self._notes:
            return
        for order_id, number in (await note_store.last_numbers(conn, self._notes.keys())).items():
            if number != self._note_numbers.get(order_id):
                self._note_numbers[order_id] = number
                for changed in self._notes.get(order_id, ()):
                    changed.set()


class _Inbox:
    """The changes that one subscriber has not taken yet, at most MAX_INBOX of them."""

    def __init__(self) -> None:
        self._changes: deque[ShipmentChange] = deque()
        self._changed = asyncio.Event()
        self._overflowed = False

    def put(self, change: ShipmentChange) -> None:
        if len(self._changes) >= MAX_INBOX:
            self._overflowed = True
            self._changes.clear()
        if not self._overflowed:
            self._changes.append(change)
        self._changed.set()

    async def take(self) -> ShipmentChange:
        """Waits for the oldest change. Raises GraphQLError(UNAVAILABLE) if changes had to be dropped."""
        while not self._changes:
            if self._overflowed:
                message = "You read more slowly than shipments change: query the list again, then subscribe again."
                raise GraphQLError(message, extensions={"code": str(ErrorCode.UNAVAILABLE)})
            self._changed.clear()
            await self._changed.wait()
        return self._changes.popleft()


async def _next_change(changed: asyncio.Event) -> None:
    await changed.wait()
    changed.clear()
