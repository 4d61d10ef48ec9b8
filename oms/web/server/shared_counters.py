"""Counters that all web processes share in Redis. Without Redis each process counts alone, and logs that once."""

import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog
from limits import RateLimitItem
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import BlockingConnectionPool

from oms.platform.faults.outages import is_outage

log = structlog.get_logger(__name__)

T = TypeVar("T")

TIMEOUT_S: Final = 0.25
"""For Redis: a request must not wait long for a counter."""

RETRY_AFTER_S: Final = 5.0
"""After a failure, Redis is not tried for this long."""

_MAX_CONNECTIONS: Final = 50
_PREFIX: Final = "oms:count"

Storage = RedisStorage | MemoryStorage


class SharedCounters:
    """Counters by key, each kept no longer than its window."""

    def __init__(self, redis_url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = BlockingConnectionPool.from_url(
            redis_url,
            max_connections=_MAX_CONNECTIONS,
            timeout=TIMEOUT_S,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
        )
        # The pool knows the server, in every form of URL; the URL given here only selects the client library.
        self._shared = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix=_PREFIX,
            connection_pool=self._pool,  # type: ignore[arg-type]  # documented, but missing in its type
        )
        self._local = MemoryStorage()
        self._clock = clock
        self._is_away = False
        self._retry_at_s = 0.0

    async def add(self, key: str, amount: int, *, window_s: int) -> int:
        """The total of the key's window, which starts with its first count."""
        return await self._with_storage(lambda storage: storage.incr(key, window_s, amount))

    async def wait_s(self, rate: RateLimitItem, key: str, amount: int = 1) -> float:
        """Counts `amount` and returns 0; or, if the rate has not as many left, how long until one may be counted."""
        return await self._with_storage(lambda storage: _wait_s(storage, rate, key, amount))

    async def _with_storage(self, count: Callable[[Storage], Awaitable[T]]) -> T:
        if not self._is_away or self._clock() >= self._retry_at_s:
            try:
                counted = await count(self._shared)
            except Exception as error:
                if not is_outage(error):
                    raise
                self._note_away(error)
            else:
                self._note_back()
                return counted
        return await count(self._local)

    def _note_away(self, error: Exception) -> None:
        if not self._is_away:
            log.warning("Redis is away: each web process counts requests alone", error=repr(error))
        self._is_away = True
        self._retry_at_s = self._clock() + RETRY_AFTER_S

    def _note_back(self) -> None:
        if self._is_away:
            log.info("Redis is back: the web processes share their counters again")
        self._is_away = False

    async def close(self) -> None:
        await self._pool.aclose()


async def _wait_s(storage: Storage, rate: RateLimitItem, key: str, amount: int) -> float:
    limiter = MovingWindowRateLimiter(storage)
    if await limiter.hit(rate, key, cost=amount):
        return 0.0
    window = await limiter.get_window_stats(rate, key)
    return max(window.reset_time - time.time(), 0.001)
