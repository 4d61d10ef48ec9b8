"""A worker's queues: when one is woken, its due work is claimed batch by batch until none is left."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import structlog

from oms.domain.work import store
from oms.domain.work.store import Batch
from oms.jobs.context import JobContext
from oms.jobs.handlers import HANDLERS
from oms.platform.faults.outages import is_outage
from oms.platform.tasks import detached

log = structlog.get_logger(__name__)

SLOW_S: Final = 0.5
"""A batch that takes longer, because of a slow provider, no longer delays the next batch."""

MAX_SLOW: Final = 20
"""Batches of one queue in progress."""

GATHER_S: Final = 0.03
"""Minimum interval between two partly filled batches of a queue, so that items arriving meanwhile share one.

Most of a batch's cost does not depend on its size. A queue that was idle for as long starts at once.
"""

OUTAGE_RETRY: Final = timedelta(seconds=1)
"""After which a batch is retried that an outage of the database stopped."""


class Consumer:
    """Drains each queue once at a time; a wake-up meanwhile makes it look once more."""

    def __init__(self, context: JobContext, queues: tuple[str, ...]) -> None:
        self._context = context
        self._running: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._in_progress: dict[str, set[asyncio.Task[None]]] = {queue: set() for queue in queues}
        self._next_batch_at_s = dict.fromkeys(queues, 0.0)
        self._stopping = False

    @property
    def queues(self) -> tuple[str, ...]:
        return tuple(self._in_progress)

    def wake(self, queue: str) -> asyncio.Task[None]:
        """Starts draining the queue, unless it is being drained; returns the task that does it."""
        running = self._running.get(queue)
        if running and not running.done():
            self._again.add(queue)
            return running
        self._running[queue] = task = detached(f"claims of {queue}", self._drain(queue))
        return task

    async def _drain(self, queue: str) -> None:
        try:
            while not self._stopping:
                await self.gather(queue)
                self._again.discard(queue)
                batch = await self._claim(queue)
                if batch.items:
                    await self._start(queue, batch)
                if not self._may_leave_some(batch) and queue not in self._again:
                    return
        except Exception as error:
            # Nothing is lost: claimed items are due again when their lease ends, and the timer looks in a second.
            if not is_outage(error):
                raise
            log.warning("database outage, the queue is looked at again", queue=queue, error=repr(error))

    async def gather(self, queue: str) -> None:
        """Waits until the queue's next batch may start: not at all if the queue was idle."""
        remaining_s = self._next_batch_at_s[queue] - asyncio.get_running_loop().time()
        if remaining_s > 0 and not self._stopping:
            await asyncio.sleep(remaining_s)

    async def _claim(self, queue: str) -> Batch:
        """In autocommit mode: a claim is a single statement."""
        db, limit = self._context.db, self._context.batch
        await store.release_held(db, queue, limit=limit)
        return await store.claim(db, queue, limit=limit, lease=self._context.lease)

    def _may_leave_some(self, batch: Batch) -> bool:
        """Whether more may be due: the claim was full, or took the one suspect that it may take."""
        return len(batch.items) >= self._context.batch or any(item.suspect for item in batch.items)

    async def _start(self, queue: str, batch: Batch) -> None:
        """Processes a batch; returns earlier if that takes long."""
        if len(batch.items) < self._context.batch:
            self._next_batch_at_s[queue] = asyncio.get_running_loop().time() + GATHER_S
        in_progress = self._in_progress[queue]
        task = detached(f"work of {queue}", self._process(queue, batch))
        in_progress.add(task)
        task.add_done_callback(in_progress.discard)
        await asyncio.wait({task}, timeout=SLOW_S)
        while len(in_progress) >= MAX_SLOW:
            await asyncio.wait(set(in_progress), return_when=asyncio.FIRST_COMPLETED)

    async def _process(self, queue: str, batch: Batch) -> None:
        for part in _parts(batch):
            try:
                await self._attempt(queue, part)
            except Exception as error:
                if not is_outage(error):
                    raise
                # Nothing is lost: another worker takes the items over when their lease ends.
                log.warning("a claim could not be undone", queue=queue, error=repr(error))

    async def _attempt(self, queue: str, batch: Batch) -> None:
        """A poisonous item must not sink its batch: items that fail together are retried one by one.

        After an outage of the database all are retried together.
        """
        try:
            await HANDLERS[queue](self._context, batch)
        except Exception as error:
            if is_outage(error):
                log.warning("database outage, batch is retried", queue=queue, error=repr(error))
                await self._context.nack(batch, delay=OUTAGE_RETRY)
            elif len(batch.items) > 1:
                log.warning("batch failed, its items are retried one by one", queue=queue, error=repr(error))
                await self._context.nack(batch, suspect=True)
                self.wake(queue)
            else:
                log.error("work failed", queue=queue, key=str(batch.items[0].key), exc_info=error)
                await self._context.retry_suspect(batch, error)

    async def stop(self) -> None:
        """Claims nothing more, and waits for batches in progress."""
        self._stopping = True
        await self.finish()

    async def finish(self) -> None:
        """Waits until all woken queues are drained."""
        under_way = [*self._running.values(), *(task for tasks in self._in_progress.values() for task in tasks)]
        await asyncio.gather(*under_way, return_exceptions=True)


def _parts(batch: Batch) -> Iterator[Batch]:
    """All unsuspected items together, then each suspect alone."""
    if fine := [item for item in batch.items if not item.suspect]:
        yield batch.only(fine)
    for item in batch.items:
        if item.suspect:
            yield batch.only([item])
