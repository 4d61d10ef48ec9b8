"""Counts that all web processes keep together in Redis. While that is away each counts by itself, and says so once."""

import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import structlog
from limits import RateLimitItem
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from redis.asyncio import BlockingConnectionPool
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

T = TypeVar("T")

PATIENCE_S: Final = 0.25
"""How long Redis may take: no request is to wait for a count."""

LOOK_AGAIN_S: Final = 5.0
"""After how long a Redis that was away is tried again."""

_MAX_CONNECTIONS: Final = 50
_PREFIX: Final = "oms:count"

Storage = RedisStorage | MemoryStorage


class SharedCounts:
    """Keys are whatever is counted by; none is kept longer than its window."""

    def __init__(self, redis_url: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = BlockingConnectionPool.from_url(
            redis_url,
            max_connections=_MAX_CONNECTIONS,
            timeout=PATIENCE_S,
            socket_timeout=PATIENCE_S,
            socket_connect_timeout=PATIENCE_S,
        )
        # Redis is named by the pool, which knows every form of URL; the one given here only chooses the kind.
        self._together = RedisStorage(
            "async+redis://",
            implementation="redispy",
            key_prefix=_PREFIX,
            connection_pool=self._pool,  # type: ignore[arg-type]  # documented, though its type leaves it out
        )
        self._alone = MemoryStorage()
        self._clock = clock
        self._away = False
        self._look_again_at_s = 0.0

    async def add(self, key: str, amount: int, *, window_s: int) -> int:
        """How much the key's window holds with that; a window begins with its first count."""
        return await self._kept(lambda storage: storage.incr(key, window_s, amount))

    async def wait_s(self, rate: RateLimitItem, key: str) -> float:
        """Counts one and returns 0; or, where the rate is used up, in how many seconds one could be counted."""
        return await self._kept(lambda storage: _wait_s(storage, rate, key))

    async def _kept(self, count: Callable[[Storage], Awaitable[T]]) -> T:
        if not self._away or self._clock() >= self._look_again_at_s:
            try:
                counted = await count(self._together)
            except (RedisError, OSError) as error:
                self._noticed_away(error)
            else:
                self._noticed_back()
                return counted
        return await count(self._alone)

    def _noticed_away(self, error: Exception) -> None:
        if not self._away:
            log.warning("Redis is away: each web process counts requests by itself", error=repr(error))
        self._away = True
        self._look_again_at_s = self._clock() + LOOK_AGAIN_S

    def _noticed_back(self) -> None:
        if self._away:
            log.info("Redis is back: the web processes count requests together again")
        self._away = False

    async def close(self) -> None:
        await self._pool.aclose()


async def _wait_s(storage: Storage, rate: RateLimitItem, key: str) -> float:
    limiter = MovingWindowRateLimiter(storage)
    if await limiter.hit(rate, key):
        return 0.0
    window = await limiter.get_window_stats(rate, key)
    return max(window.reset_time - time.time(), 0.001)
