"""A worker's queues: whoever wakes one, its due work is claimed batch by batch until none is left."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import timedelta
from typing import Final

import structlog

from oms.domain.work import store
from oms.domain.work.model import Queue
from oms.domain.work.store import Batch
from oms.jobs import allocation, billing, booking, deadlines
from oms.jobs.context import Shop
from oms.platform.db import is_outage, is_outage_throughout

log = structlog.get_logger(__name__)

CARRIERS: Final[Mapping[Queue, Callable[[Shop, Batch], Awaitable[None]]]] = {
    Queue.ALLOCATION: allocation.carry,
    Queue.BILLING: billing.carry,
    Queue.BOOKING: booking.carry,
    Queue.DEADLINES: deadlines.carry,
}

SLOW_S: Final = 0.5
"""A batch that takes longer, because some provider does, no longer keeps the next one waiting."""

MOST_SLOW: Final = 20
"""Batches of one queue under way at the most."""

COMPANY_S: Final = 0.03
"""So far apart batches of one queue begin, unless they are full: what comes meanwhile goes together, and most of what a
batch costs it costs once. A queue that had nothing to do for as long waits for nobody."""

LOOK_AGAIN: Final = timedelta(seconds=1)
"""After which a batch that the database's absence stopped is tried again."""


class Drains:
    """One drain a queue runs at a time; a wake-up during it makes it look once more."""

    def __init__(self, shop: Shop, queues: tuple[Queue, ...]) -> None:
        self._shop = shop
        self._running: dict[Queue, asyncio.Task[None]] = {}
        self._again: set[Queue] = set()
        self._slow: dict[Queue, set[asyncio.Task[None]]] = {queue: set() for queue in queues}
        self._rested_at_s = dict.fromkeys(queues, 0.0)
        self._stopping = False

    @property
    def queues(self) -> tuple[Queue, ...]:
        return tuple(self._slow)

    def wake(self, queue: Queue) -> asyncio.Task[None]:
        """Starts draining, unless that goes on already; returns the task that does it."""
        running = self._running.get(queue)
        if running and not running.done():
            self._again.add(queue)
            return running
        self._running[queue] = task = asyncio.create_task(self._drain(queue))
        return task

    async def _drain(self, queue: Queue) -> None:
        try:
            while not self._stopping:
                await self.company(queue)
                self._again.discard(queue)
                batch = await self._claim(queue)
                if batch.items:
                    await self._start(queue, batch)
                if not self._may_leave_some(batch) and queue not in self._again:
                    return
        except Exception as error:
            # Nothing is lost: what was claimed is due again when its lease ends, and the timer looks in a second.
            log.error("a queue could not be drained", queue=str(queue), exc_info=error)

    async def company(self, queue: Queue) -> None:
        """Waits until it is time to look, which it is at once where the queue was not at work just now."""
        remaining_s = self._rested_at_s[queue] - asyncio.get_running_loop().time()
        if remaining_s > 0 and not self._stopping:
            await asyncio.sleep(remaining_s)

    async def _claim(self, queue: Queue) -> Batch:
        """Each statement by itself, for a claim is one."""
        db, most = self._shop.db, self._shop.batch
        if queue == Queue.BILLING:
            await store.release_held(db, most=most)
        return await store.claim(db, queue, most=most, lease=self._shop.lease)

    def _may_leave_some(self, batch: Batch) -> bool:
        """Whether there may be more that is due: a claim takes so many at the most, and of suspects one."""
        return len(batch.items) >= self._shop.batch or any(item.suspect for item in batch.items)

    async def _start(self, queue: Queue, batch: Batch) -> None:
        """Carries a batch, for as long as it takes; comes back earlier where that is long."""
        if len(batch.items) < self._shop.batch:
            self._rested_at_s[queue] = asyncio.get_running_loop().time() + COMPANY_S
        slow = self._slow[queue]
        task = asyncio.create_task(self._carry(queue, batch))
        slow.add(task)
        task.add_done_callback(slow.discard)
        await asyncio.wait({task}, timeout=SLOW_S)
        while len(slow) >= MOST_SLOW:
            await asyncio.wait(set(slow), return_when=asyncio.FIRST_COMPLETED)

    async def _carry(self, queue: Queue, batch: Batch) -> None:
        for part in _parts(batch):
            try:
                await self._attempt(queue, part)
            except Exception as error:
                if not is_outage(error):
                    raise
                # Nothing is lost: it is taken over when its lease ends.
                log.warning("work could not be given back", queue=str(queue), error=repr(error))

    async def _attempt(self, queue: Queue, batch: Batch) -> None:
        """A poisonous item must not sink its batch: what fails together is tried one by one.

        An outage of the database is nobody's fault, and all are tried together again.
        """
        try:
            await CARRIERS[queue](self._shop, batch)
        except Exception as error:
            if is_outage_throughout(error):
                log.warning("the database was away, a batch is given back", queue=str(queue), error=repr(error))
                await self._shop.give_back(batch, delay=LOOK_AGAIN)
            elif len(batch.items) > 1:
                log.warning("a batch failed, its items run singly", queue=str(queue), error=repr(error))
                await self._shop.give_back(batch, suspect=True)
                self.wake(queue)
            else:
                log.error("work failed", queue=str(queue), key=str(batch.items[0].key), exc_info=error)
                await self._shop.put_off_fault(batch, error)

    async def stop(self) -> None:
        """Claims nothing more, and waits for what is under way."""
        self._stopping = True
        await self.finish()

    async def finish(self) -> None:
        """Waits until what was woken has been drained."""
        under_way = [*self._running.values(), *(task for slow in self._slow.values() for task in slow)]
        await asyncio.gather(*under_way, return_exceptions=True)


def _parts(batch: Batch) -> Iterator[Batch]:
    """All together that nothing speaks against; suspects alone."""
    if fine := [item for item in batch.items if not item.suspect]:
        yield batch.only(fine)
    for item in batch.items:
        if item.suspect:
            yield batch.only([item])
