"""After a commit, those who wait for its news are told over Redis: who shows things live, and who has work to do.

A doorbell carries ids only and may be lost: the database has the truth, and everybody also looks by their own timer.
"""

import asyncio
from typing import Final

import orjson
import structlog
from arq.connections import ArqRedis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError

from oms.platform.db import News

log = structlog.get_logger(__name__)

CHANNEL: Final = "oms:news"
"""Messages are JSON: {"orders": [order id as 32 hex digits, …], "fraudSettings": whether those changed}."""

WAKE: Final = "wake"
"""The arq job that makes a worker look for due work; each queue of work has an arq queue of its own."""

_PAUSE_S: Final = 0.01
_WAKE_PENDING_S: Final = 1
_JOB_EXPIRES_S: Final = 60


def arq_queue(queue: str) -> str:
    return f"oms:queue:{queue}"


def pending_key(queue: str) -> str:
    """Set while a wake-up is on its way, so that a thousand commits make one job; whoever wakes up deletes it first."""
    return f"oms:wake:{queue}"


def connect(redis_url: str) -> ArqRedis:
    """A client that survives a restart of Redis; it opens connections when it needs them. JSON, never pickle."""
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


class Doorbell:
    """Rings in the background, the first time at once. What is rung while a message is under way, or soon after one,
    goes with the next: that costs 180 µs here, and 20 in every process that hears it. With the pause 300 commits a
    second cost 94 µs each, without it 220.
    """

    def __init__(self, redis_url: str) -> None:
        self._redis = connect(redis_url)
        self._news = News()
        self._ringing: asyncio.Task[None] | None = None

    def ring(self, news: News) -> None:
        """Never waits and never fails; call it from the event loop, after the commit."""
        self._news.orders |= news.orders
        self._news.queues |= news.queues
        self._news.fraud_settings |= news.fraud_settings
        if self._ringing is None or self._ringing.done():
            self._ringing = asyncio.create_task(self._ring_out())

    async def _ring_out(self) -> None:
        while self._news:
            news, self._news = self._news, News()
            try:
                await self._tell(news)
            except (RedisError, OSError) as error:
                log.warning("the doorbell is out of order, timers take over", error=repr(error))
            await asyncio.sleep(_PAUSE_S)

    async def _tell(self, news: News) -> None:
        if news.orders or news.fraud_settings:
            message = {"orders": [order.hex for order in news.orders], "fraudSettings": news.fraud_settings}
            await self._redis.publish(CHANNEL, orjson.dumps(message))
        for queue in news.queues:
            if await self._redis.set(pending_key(queue), 1, nx=True, ex=_WAKE_PENDING_S):
                await self._redis.enqueue_job(WAKE, _queue_name=arq_queue(queue), _expires=_JOB_EXPIRES_S)

    async def close(self) -> None:
        """Rings out what is left, then hangs up."""
        if self._ringing:
            await self._ringing
        await self._redis.aclose()
