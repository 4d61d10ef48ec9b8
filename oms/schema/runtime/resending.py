"""Results of subscriptions through outages of the database: they come late, and none is missing."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from oms.platform.outages import RETRY_AFTER_S, through_outages
from oms.schema.runtime.context import Context

T = TypeVar("T")


async def resent(context: Context, read: Callable[[], Awaitable[T]]) -> AsyncGenerator[T, None]:
    """What `read` returns, once the database answers; read and yielded again if an outage broke off its fields."""
    async for _ in until_whole(context):
        yield await through_outages(read)


async def until_whole(context: Context) -> AsyncGenerator[None, None]:
    """Yields once, and again if an outage broke off fields of what was sent, so that the caller got errors."""
    while True:
        context.was_interrupted = False
        yield
        if not context.was_interrupted:
            return
        await asyncio.sleep(RETRY_AFTER_S)
