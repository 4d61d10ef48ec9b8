"""Notifications over Redis: one subscription for the whole process, renewed until cancelled."""

import asyncio
from collections.abc import Callable
from typing import Final
from uuid import UUID

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from oms.platform.db import Changes
from oms.platform.notifications import CHANNEL

log = structlog.get_logger(__name__)

_MIN_PAUSE_S: Final = 0.1
_MAX_PAUSE_S: Final = 2.0
_POLL_S: Final = 5.0


async def listen_for_notifications(
    redis_url: str, received: Callable[[Changes], None], *, missed: Callable[[], None]
) -> None:
    """Calls `received` for each notification and `missed` after each (re)connection, until cancelled."""
    pause_s = _MIN_PAUSE_S
    while True:
        try:
            async with _client(redis_url) as redis, redis.pubsub() as subscription:
                await subscription.subscribe(CHANNEL)
                while True:
                    message = await subscription.get_message(timeout=_POLL_S)
                    if message is None:
                        continue
                    if message["type"] == "subscribe":
                        pause_s = _MIN_PAUSE_S
                        missed()
                    elif message["type"] == "message":
                        received(_changes(message["data"]))
        except (RedisError, OSError) as error:
            log.warning("No notifications from Redis: polling the event log", error=repr(error), pause_s=pause_s)
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _MAX_PAUSE_S)


def _client(redis_url: str) -> Redis:
    """Notices a dead connection within the health check's interval."""
    client: Redis = Redis.from_url(redis_url, socket_connect_timeout=2, health_check_interval=10)
    return client


def _changes(message: bytes) -> Changes:
    """The changes in a notification; none if it is malformed."""
    try:
        content = orjson.loads(message)
        subjects = {UUID(hex=subject) for subject in content["subjects"]}
        return Changes(subjects, {str(topic) for topic in content["topics"]})
    except (ValueError, KeyError, TypeError, AttributeError):
        log.warning("Ignored a malformed notification", message=message[:200])
        return Changes()
