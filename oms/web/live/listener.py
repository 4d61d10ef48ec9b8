"""Notifications over Redis: one subscription for the whole process, supervised by whoever starts it."""

from collections.abc import Callable
from typing import Final
from uuid import UUID

import orjson
import structlog
from redis.asyncio import Redis

from oms.platform.db import Changes
from oms.platform.notifications import CHANNEL

log = structlog.get_logger(__name__)

PING_EVERY_S: Final = 3.0
SILENT_S: Final = 10.0
"""A subscription that heard nothing for this long, not even answers to its pings, is lost.

redis-py sends pings as well, but does not notice that answers are missing: over a connection that was cut without
notice, it would wait until the system gives up sending, a quarter of an hour later.
"""


async def listen_for_notifications(
    redis_url: str, received: Callable[[Changes], None], *, missed: Callable[[], None], heard: Callable[[], None]
) -> None:
    """Calls `received` for each notification, `missed` once it is subscribed, and `heard` whenever Redis answers.

    Raises RedisError, OSError, or RuntimeError from uvloop when the connection is lost.
    """
    async with _client(redis_url) as redis, redis.pubsub() as subscription:
        await subscription.subscribe(CHANNEL)
        while True:
            message = await subscription.get_message(timeout=PING_EVERY_S)
            if message is None:
                await subscription.ping()
                continue
            heard()
            if message["type"] == "subscribe":
                missed()
            elif message["type"] == "message":
                received(_changes(message["data"]))


def _client(redis_url: str) -> Redis:
    client: Redis = Redis.from_url(redis_url, socket_connect_timeout=2)
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
