"""A worker process: woken by arq over Redis, by its own commits, and by its own timer."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Any, Final

import orjson
import structlog
import uvloop
from arq.worker import Worker, func
from redis.exceptions import RedisError

from oms.domain.idempotency import store as repeat_store
from oms.domain.identity import session_store
from oms.domain.work import store as work_store
from oms.domain.work.model import Queue
from oms.jobs.consumer import Drains
from oms.jobs.context import Shop
from oms.platform.db import Database, News
from oms.platform.notifications import WAKE, Doorbell, arq_queue, connect, pending_key
from oms.platform.settings import Settings
from oms.providers.choose import providers

log = structlog.get_logger(__name__)

LOOK_EVERY_S: Final = 1.0
"""Wake-ups get lost and Redis may be away: this is how long work then waits at the most."""

POLL_EVERY_S: Final = 0.02
"""How often arq looks for wake-ups; it has no way to be told."""

HOUSEKEEPING_EVERY_S: Final = 600.0
CANCEL_AGAIN_S: Final = 0.5
_FORGET_AT_ONCE: Final = 10_000


def main(settings: Settings) -> None:
    """Works until SIGTERM or SIGINT; what is under way then is finished first."""
    uvloop.run(_work(settings))


async def _work(settings: Settings) -> None:
    stop = asyncio.Event()
    for asked in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(asked, stop.set)
    worker = WorkerProcess(settings)
    gc.freeze()  # what was imported stays: no collection need walk it, and every batch makes enough for some
    log.info("worker started", queues=settings.queues)
    await worker.run(until=stop)
    log.info("worker stopped")


class WorkerProcess:
    """Everything one worker holds open."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._doorbell = Doorbell(str(settings.redis_url))
        self._db = Database(
            str(settings.database_url),
            pool_size=settings.database_pool_size,
            ring=self._ring,
            timeout_s=settings.database_timeout_s,
        )
        self._providers = providers(settings)
        shop = Shop(
            self._db,
            self._providers.billing,
            self._providers.courier,
            answer_within=timedelta(seconds=settings.amendment_timeout_s),
            lease=timedelta(seconds=settings.work_lease_s),
            batch=settings.work_batch,
            attempts=settings.work_attempts,
        )
        self._drains = Drains(shop, tuple(Queue(name) for name in settings.queues))
        self._name = f"{socket.gethostname()}:{os.getpid()}"

    def _ring(self, news: News) -> None:
        """Work that this process made for itself is taken up at once and needs no way through Redis."""
        own = {queue for queue in self._drains.queues if queue in news.queues}
        for queue in own:
            self._drains.wake(queue)
        self._doorbell.ring(News(news.orders, news.queues - own, news.fraud_settings))

    async def run(self, *, until: asyncio.Event) -> None:
        """Works until the event is set, then finishes what is under way and closes everything."""
        tasks = [asyncio.create_task(self._listen(queue)) for queue in self._drains.queues]
        tasks.append(asyncio.create_task(_every(LOOK_EVERY_S, self._look)))
        tasks.append(asyncio.create_task(_every(HOUSEKEEPING_EVERY_S, self._keep_house)))
        await until.wait()
        await _cancel(tasks)
        await self._drains.stop()
        async with self._db.transaction() as tx:
            await work_store.worker_gone(tx, self._name)
        await self._doorbell.close()
        await self._providers.aclose()
        await self._db.close()

    async def _look(self) -> None:
        """Makes up for every lost wake-up, and leaves this worker's sign of life."""
        for queue in self._drains.queues:
            self._drains.wake(queue)
        async with self._db.transaction() as tx:
            await work_store.worker_seen(tx, self._name, self._drains.queues)

    async def _keep_house(self) -> None:
        async with self._db.transaction() as tx:
            await repeat_store.forget_old(tx, most=_FORGET_AT_ONCE)
            await session_store.forget_old(tx, most=_FORGET_AT_ONCE)

    async def _listen(self, queue: Queue) -> None:
        """An arq worker for the queue, started again when Redis was away: the timer works meanwhile."""
        while True:
            redis = connect(str(self._settings.redis_url))
            try:
                await self._arq_worker(queue, redis).main()
            except (RedisError, OSError) as error:
                log.warning("no wake-ups from Redis, the timer takes over", queue=str(queue), error=repr(error))
                await asyncio.sleep(LOOK_EVERY_S)
            finally:
                await redis.aclose()

    def _arq_worker(self, queue: Queue, redis: Any) -> Worker:
        async def wake(ctx: dict[Any, Any], *args: Any, **kwargs: Any) -> None:  # noqa: ARG001 - arq's form
            # First the key, then the look: whoever commits after it was deleted sends another wake-up. While the look
            # has to wait the key stays, and nobody sends any.
            await self._drains.company(queue)
            await redis.delete(pending_key(queue))
            self._drains.wake(queue)

        return Worker(
            [func(wake, name=WAKE, keep_result=0, max_tries=1)],
            queue_name=arq_queue(queue),
            redis_pool=redis,
            poll_delay=POLL_EVERY_S,
            handle_signals=False,
            job_serializer=orjson.dumps,
            job_deserializer=orjson.loads,
            log_results=False,
        )


async def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancels until all have ended: between two polls of arq a cancellation can be swallowed, about one in forty is."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)


async def _every(seconds: float, act: Callable[[], Awaitable[None]]) -> None:
    """A timer that outlives failures: the database may be away for a while."""
    while True:
        try:
            await act()
        except Exception as error:
            log.error("a worker's timer failed and goes on", act=act.__name__, exc_info=error)
        await asyncio.sleep(seconds)
