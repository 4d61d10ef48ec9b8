"""Doorbells heard over Redis: one subscription for the whole process, renewed for ever."""

import asyncio
from collections.abc import Callable
from typing import Final
from uuid import UUID

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from oms.platform.db import News
from oms.platform.notifications import CHANNEL

log = structlog.get_logger(__name__)

_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0
_LOOK_EVERY_S: Final = 5.0


async def hear_doorbells(redis_url: str, heard: Callable[[News], None], *, missed: Callable[[], None]) -> None:
    """Calls `heard` for each doorbell and `missed` after each (re)connection, until cancelled."""
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            async with _client(redis_url) as redis, redis.pubsub() as subscription:
                await subscription.subscribe(CHANNEL)
                while True:
                    message = await subscription.get_message(timeout=_LOOK_EVERY_S)
                    if message is None:
                        continue
                    if message["type"] == "subscribe":
                        pause_s = _FIRST_PAUSE_S
                        missed()
                    elif message["type"] == "message":
                        heard(_news(message["data"]))
        except (RedisError, OSError) as error:
            log.warning("Doorbells can't be heard, the log is read instead", error=repr(error), pause_s=pause_s)
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)


def _client(redis_url: str) -> Redis:
    """Notices a dead connection within the health check's interval."""
    client: Redis = Redis.from_url(redis_url, socket_connect_timeout=2, health_check_interval=10)
    return client


def _news(message: bytes) -> News:
    """What a doorbell says; one that can't be understood says nothing."""
    try:
        told = orjson.loads(message)
        return News(orders={UUID(hex=order) for order in told["orders"]}, fraud_settings=told["fraudSettings"] is True)
    except (ValueError, KeyError, TypeError, AttributeError):
        log.warning("A doorbell could not be understood", message=message[:200])
        return News()
