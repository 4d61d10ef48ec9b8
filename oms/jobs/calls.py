"""Calls to outside systems, all of a batch at once, so that a slow one holds up none of the others."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import Any, Final, TypeVar

from oms.providers.ports import ProviderUnavailable

K = TypeVar("K")
A = TypeVar("A")

PATIENCE_S: Final = 0.25
"""How long those that have answered wait for the others before their results are written."""


async def answers(calls: Mapping[K, Coroutine[Any, Any, A]]) -> AsyncIterator[dict[K, A | ProviderUnavailable]]:
    """The answers as they come, in groups; an outcome that stayed unknown is a value like the others.

    Raises what a call raises besides: that is a fault of ours.
    """
    keys = {asyncio.create_task(call): key for key, call in calls.items()}
    waiting = set(keys)
    try:
        while waiting:
            done, waiting = await asyncio.wait(waiting, timeout=PATIENCE_S)
            if done:
                yield {keys[task]: _answer(task) for task in done}
    finally:
        for task in waiting:
            task.cancel()


def _answer(task: asyncio.Task[A]) -> A | ProviderUnavailable:
    error = task.exception()
    return error if isinstance(error, ProviderUnavailable) else task.result()
