"""Notifications over Redis after a commit: to those who show things live, and to workers that have work to do.

They carry ids only and may be lost: the database is the truth, and every receiver also polls on its own timer.
"""

import asyncio
from typing import Final

import orjson
import structlog
from arq.connections import ArqRedis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

from oms.platform.db import Changes
from oms.platform.faults.outages import is_outage
from oms.platform.tasks import detached

log = structlog.get_logger(__name__)

CHANNEL: Final = "oms:changes"
"""Messages are JSON: {"subjects": [id as 32 hex digits, …], "topics": [name, …]}."""

WAKE: Final = "wake"
"""The arq job that makes a worker look for due work; each queue of work has an arq queue of its own."""

_PAUSE_S: Final = 0.01
_WAKE_PENDING_S: Final = 1
_JOB_EXPIRES_S: Final = 60


def arq_queue(queue: str) -> str:
    return f"oms:queue:{queue}"


def pending_key(queue: str) -> str:
    """Set while a wake-up is on its way, so that a thousand commits make one job; the worker deletes it first."""
    return f"oms:wake:{queue}"


def connect(redis_url: str) -> ArqRedis:
    """A client that survives a restart of Redis and connects when needed. Serializes JSON, never pickle."""
    client: ArqRedis = ArqRedis.from_url(
        redis_url,
        socket_connect_timeout=2,
        socket_timeout=10,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), 3),
        retry_on_error=[ConnectionError, TimeoutError, OSError],
        health_check_interval=30,
    )
    client.job_serializer = orjson.dumps
    client.job_deserializer = orjson.loads
    return client


class Notifier:
    """Sends notifications in the background, the first at once; changes that arrive meanwhile share the next message.

    A message costs 180 µs here and 20 µs in each receiver. At 300 commits a second, the pause between two messages
    lowers the cost from 220 to 94 µs a commit.
    """

    def __init__(self, redis_url: str) -> None:
        self._redis = connect(redis_url)
        self._changes = Changes()
        self._sending: asyncio.Task[None] | None = None

    def notify(self, changes: Changes) -> None:
        """Never waits and never fails; call it from the event loop, after the commit."""
        self._changes.add(changes)
        if self._sending is None or self._sending.done():
            self._sending = detached("notifier", self._send_all())

    async def _send_all(self) -> None:
        while self._changes:
            changes, self._changes = self._changes, Changes()
            try:
                await self._send(changes)
            except Exception as error:
                if not is_outage(error):
                    raise
                log.warning("Redis is unavailable: receivers fall back to polling", error=repr(error))
            await asyncio.sleep(_PAUSE_S)

    async def _send(self, changes: Changes) -> None:
        if changes.subjects or changes.topics:
            message = {"subjects": [subject.hex for subject in changes.subjects], "topics": sorted(changes.topics)}
            await self._redis.publish(CHANNEL, orjson.dumps(message))
        for queue in changes.queues:
            if await self._redis.set(pending_key(queue), 1, nx=True, ex=_WAKE_PENDING_S):
                await self._redis.enqueue_job(WAKE, _queue_name=arq_queue(queue), _expires=_JOB_EXPIRES_S)

    async def close(self) -> None:
        """Sends what is left, then disconnects."""
        if self._sending:
            await self._sending
        await self._redis.aclose()
