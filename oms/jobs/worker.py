"""A worker process: woken by arq over Redis, by its own commits, and by a timer."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Collection
from datetime import timedelta
from functools import partial
from typing import Any, Final

import orjson
import structlog
import uvloop
from arq.worker import Worker, func

from oms.domain.allocation.rules import HoldLimit
from oms.domain.audit.chain.retention import delete_old_addresses
from oms.domain.audit.chain.sealing import seal
from oms.domain.concept.registry import registered
from oms.domain.figures import store as figures_store
from oms.domain.figures.samples import sample
from oms.domain.idempotency import store as idempotency_store
from oms.domain.identity import session_store
from oms.domain.identity.signing_in import device_store
from oms.domain.work import store as work_store
from oms.jobs.consumer import Consumer
from oms.jobs.context import JobContext
from oms.platform.db import Changes, Database
from oms.platform.faults.outages import is_outage
from oms.platform.notifications import WAKE, Notifier, arq_queue, connect, pending_key
from oms.platform.settings import CannotStart, Settings
from oms.platform.tasks import CLOSE_S, Pulse, bounded, cancelled, failures, supervised
from oms.providers.choose import providers

log = structlog.get_logger(__name__)

POLL_EVERY_S: Final = 1.0
"""The longest wait of due work if its wake-up was lost or Redis is unavailable."""

ARQ_POLL_EVERY_S: Final = 0.02
"""How often arq polls for wake-ups."""

SEAL_EVERY_S: Final = 5.0
COUNT_EVERY_S: Final = 5.0
CLEAN_UP_EVERY_S: Final = 600.0
SILENT_S: Final = 5.0
"""A listener that has not polled for this long is started again."""

CLEAN_UP_LIMIT: Final = 2_000

DISTRUST_CLOCK_S: Final = 30.0
"""For so long after the database's clock was set back, waiting work is looked at: transactions may still hold some."""


def main(settings: Settings) -> None:
    """Works until SIGTERM or SIGINT, then finishes batches in progress."""
    uvloop.run(_work(settings))


async def _work(settings: Settings) -> None:
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    worker = WorkerProcess(settings)
    gc.freeze()  # imported objects stay alive: the collector need not scan them
    log.info("worker started", queues=served_queues(settings.queues))
    await worker.run(until=stop)
    log.info("worker stopped")


def served_queues(names: Collection[str]) -> tuple[str, ...]:
    """All queues if none is named. Raises CannotStart for a name that no concept declares."""
    known = registered().work_kinds
    if unknown := sorted(set(names) - known.keys()):
        raise CannotStart(f"OMS_QUEUES names no queue: {', '.join(unknown)}. There are: {', '.join(sorted(known))}.")
    return tuple(names or known)


class WorkerProcess:
    """Everything one worker holds open."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._notifier = Notifier(str(settings.redis_url))
        self._db = Database(
            str(settings.database_url),
            pool_size=settings.database_pool_size,
            notify=self._notify,
            timeout_s=settings.database_timeout_s,
        )
        self._providers = providers(settings)
        context = JobContext(
            self._db,
            self._providers.billing,
            self._providers.courier,
            answer_within=timedelta(seconds=settings.amendment_timeout_s),
            lease=timedelta(seconds=settings.work_lease_s),
            batch=settings.work_batch,
            attempts=settings.work_attempts,
            hold=HoldLimit(settings.customer_unpaid_units, of_services=settings.hold_service_orders),
        )
        self._consumer = Consumer(context, served_queues(settings.queues))
        self._pulses = {queue: Pulse(SILENT_S) for queue in self._consumer.queues}
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._clock_distrusted_until_s = 0.0

    def _notify(self, changes: Changes) -> None:
        """Work that this process caused is started at once, without the round trip through Redis."""
        own = {queue for queue in self._consumer.queues if queue in changes.queues}
        for queue in own:
            self._consumer.wake(queue)
        self._notifier.notify(Changes(changes.subjects, changes.topics, changes.queues - own))

    async def run(self, *, until: asyncio.Event) -> None:
        """Works until the event is set, then finishes batches in progress and closes everything.

        It ends within the setting's time, whatever does not answer: unfinished work is due again when its lease ends.
        """
        tasks = [
            supervised(f"wake-ups of {queue}", partial(self._listen, queue), pulse)
            for queue, pulse in self._pulses.items()
        ]
        tasks.append(supervised("polling", partial(_every, POLL_EVERY_S, self._poll)))
        tasks.append(supervised("heartbeat", partial(_every, POLL_EVERY_S, self._beat)))
        tasks.append(supervised("clean-up", partial(_every, CLEAN_UP_EVERY_S, self._clean_up)))
        tasks.append(supervised("sealing of the audit log", partial(_every, SEAL_EVERY_S, self._seal)))
        tasks.append(supervised("counting for the figures", partial(_every, COUNT_EVERY_S, self._count)))
        await until.wait()
        await cancelled(tasks)
        closing = (self._sign_off, self._notifier.close, self._providers.aclose, self._db.close)
        finish_s = max(CLOSE_S, self._settings.stop_timeout_s - (len(closing) + 1) * CLOSE_S)
        await bounded("batches in progress", self._consumer.stop, limit_s=finish_s)
        for close in closing:
            await bounded(close.__qualname__, close, limit_s=CLOSE_S)

    async def _sign_off(self) -> None:
        """Without it, the worker counts as alive for some seconds."""
        async with self._db.transaction() as tx:
            await work_store.worker_gone(tx, self._name)

    async def _poll(self) -> None:
        """Makes up for lost wake-ups."""
        for queue in self._consumer.queues:
            self._consumer.wake(queue)

    async def _beat(self) -> None:
        """Says that the worker is alive, for which queues it hears wake-ups, and how often its tasks failed."""
        listening = [queue for queue, pulse in self._pulses.items() if pulse.is_alive]
        sign = work_store.Heartbeat(self._name, self._consumer.queues, listening, failures.total())
        now_s = asyncio.get_running_loop().time()
        async with self._db.transaction() as tx:
            if await work_store.heartbeat(tx, sign):
                self._clock_distrusted_until_s = now_s + DISTRUST_CLOCK_S
        if now_s < self._clock_distrusted_until_s:
            async with self._db.transaction() as tx:
                changed = await work_store.bring_forward(tx, lease=timedelta(seconds=self._settings.work_lease_s))
            if changed:
                log.warning("The database's clock was set back: waiting work is due now", items=changed)

    async def _clean_up(self) -> None:
        """Until nothing old is left, so that it goes as fast as it comes; in short transactions."""
        address_age = timedelta(days=self._settings.audit_address_days)
        for delete_old in (
            idempotency_store.delete_old,
            session_store.delete_old,
            device_store.delete_old,
            partial(delete_old_addresses, age=address_age),
        ):
            deleted = CLEAN_UP_LIMIT
            while deleted >= CLEAN_UP_LIMIT:
                async with self._db.transaction() as tx:
                    deleted = await delete_old(tx, limit=CLEAN_UP_LIMIT)

    async def _seal(self) -> None:
        """One of all workers at a time."""
        await seal(self._db)

    async def _count(self) -> None:
        """One of all workers at a time."""
        await figures_store.count_new(self._db)
        await sample(self._db)

    async def _listen(self, queue: str) -> None:
        """Runs an arq worker for the queue. It ends with an outage of Redis, during which the timer polls."""
        redis = connect(str(self._settings.redis_url))
        listener = self._listener(queue, redis)
        try:
            await listener.main()
        finally:
            await cancelled(listener.tasks.values())
            await redis.aclose()

    def _listener(self, queue: str, redis: Any) -> Worker:
        async def wake(ctx: dict[Any, Any], *args: Any, **kwargs: Any) -> None:  # noqa: ARG001 - arq's form
            # Delete the key before looking: commits after the deletion send another wake-up. Until then none is sent.
            await self._consumer.gather(queue)
            await redis.delete(pending_key(queue))
            self._consumer.wake(queue)

        return _Listener(
            self._pulses[queue],
            [func(wake, name=WAKE, keep_result=0, max_tries=1)],
            queue_name=arq_queue(queue),
            redis_pool=redis,
            poll_delay=ARQ_POLL_EVERY_S,
            handle_signals=False,
            job_serializer=orjson.dumps,
            job_deserializer=orjson.loads,
            log_results=False,
        )


class _Listener(Worker):
    """arq's worker, with a pulse that beats after each poll."""

    def __init__(self, pulse: Pulse, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._pulse = pulse

    async def heart_beat(self) -> None:
        self._pulse.beat()
        await super().heart_beat()


async def _every(seconds: float, act: Callable[[], Awaitable[None]]) -> None:
    """A timer that survives outages of the database."""
    while True:
        try:
            await act()
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("a worker's timer waits for the database", act=act.__name__, error=repr(error))
        await asyncio.sleep(seconds)
