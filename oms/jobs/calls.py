"""Calls to providers, all of a batch at once, so that a slow call delays no other."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import Any, Final, TypeVar

from oms.platform.tasks import cancelled, child
from oms.providers.ports import ProviderUnavailable

K = TypeVar("K")
A = TypeVar("A")

GATHER_S: Final = 0.25
"""How long answers wait for others before their results are written together."""


async def answers(calls: Mapping[K, Coroutine[Any, Any, A]]) -> AsyncIterator[dict[K, A | ProviderUnavailable]]:
    """The answers as they arrive, in groups; ProviderUnavailable, an unknown outcome, is an answer, too.

    Raises whatever else a call raises: a bug.
    """
    keys = {child(call): key for key, call in calls.items()}
    waiting = set(keys)
    try:
        while waiting:
            done, waiting = await asyncio.wait(waiting, timeout=GATHER_S)
            if done:
                yield {keys[task]: _answer(task) for task in done}
    finally:
        await cancelled(keys)


def _answer(task: asyncio.Task[A]) -> A | ProviderUnavailable:
    error = task.exception()
    return error if isinstance(error, ProviderUnavailable) else task.result()
