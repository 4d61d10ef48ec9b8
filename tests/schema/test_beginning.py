"""A coroutine that waits for nothing is at its end when it has begun; any other goes on wherever it is awaited."""

import asyncio
from typing import Any

import pytest

from oms.schema.compiled.beginning import begun


async def waiting_for(future: "asyncio.Future[int]", *, ended: list[str] | None = None) -> int:
    try:
        return await future + 1
    finally:
        await asyncio.sleep(0)
        if ended is not None:
            ended.append("ended")


async def at_once(value: Any) -> Any:
    return value


async def refusing() -> None:
    raise LookupError("refused")


async def test_what_waits_for_nothing_is_there_at_once() -> None:
    assert begun(at_once("there")) == "there"
    assert begun(at_once(None)) is None


async def test_what_fails_before_it_waits_fails_at_once() -> None:
    with pytest.raises(LookupError):
        begun(refusing())


async def test_many_may_wait_for_one_future_in_tasks_of_their_own() -> None:
    future = asyncio.get_running_loop().create_future()
    rest = [begun(waiting_for(future)) for _ in range(3)]
    tasks = [asyncio.ensure_future(each) for each in rest]
    await asyncio.sleep(0)
    future.set_result(4)
    assert await asyncio.gather(*tasks) == [5, 5, 5]


async def test_what_it_waited_for_may_be_there_before_it_is_awaited() -> None:
    future = asyncio.get_running_loop().create_future()
    rest = begun(waiting_for(future))
    future.set_result(1)
    assert await rest == 2


async def test_what_it_waits_for_may_fail() -> None:
    future = asyncio.get_running_loop().create_future()
    rest = begun(waiting_for(future))
    future.set_exception(LookupError("gone"))
    with pytest.raises(LookupError, match="gone"):
        await rest


async def test_it_is_cancelled_with_who_awaits_it_and_puts_things_in_order_first() -> None:
    ended: list[str] = []
    rest = begun(waiting_for(asyncio.get_running_loop().create_future(), ended=ended))
    task = asyncio.ensure_future(rest)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["ended"]
