"""A coroutine that does not wait returns its value at once; any other continues where it is awaited."""

import asyncio
from typing import Any

import pytest

from oms.schema.compiled.eager import started


async def waiting_for(future: "asyncio.Future[int]", *, ended: list[str] | None = None) -> int:
    try:
        return await future + 1
    finally:
        await asyncio.sleep(0)
        if ended is not None:
            ended.append("ended")


async def immediate(value: Any) -> Any:
    return value


async def refusing() -> None:
    raise LookupError("refused")


async def test_a_value_without_waiting_is_returned_at_once() -> None:
    assert started(immediate("there")) == "there"
    assert started(immediate(None)) is None


async def test_an_error_before_waiting_is_raised_at_once() -> None:
    with pytest.raises(LookupError):
        started(refusing())


async def test_several_coroutines_may_wait_in_tasks_of_their_own() -> None:
    futures = [asyncio.get_running_loop().create_future() for _ in range(3)]
    rest = [started(waiting_for(future)) for future in futures]
    tasks = [asyncio.ensure_future(each) for each in rest]
    await asyncio.sleep(0)
    for future in futures:
        future.set_result(4)
    assert await asyncio.gather(*tasks) == [5, 5, 5]


async def test_a_coroutine_may_wait_several_times() -> None:
    first, second = (asyncio.get_running_loop().create_future() for _ in range(2))

    async def both() -> int:
        return await waiting_for(first) + await waiting_for(second)

    rest = started(both())
    asyncio.get_running_loop().call_later(0.01, second.set_result, 20)
    first.set_result(1)
    assert await rest == 23


async def test_the_future_may_end_before_the_coroutine_is_awaited() -> None:
    future = asyncio.get_running_loop().create_future()
    rest = started(waiting_for(future))
    future.set_result(1)
    assert await rest == 2


async def test_the_future_may_fail() -> None:
    future = asyncio.get_running_loop().create_future()
    rest = started(waiting_for(future))
    future.set_exception(LookupError("gone"))
    with pytest.raises(LookupError, match="gone"):
        await rest


async def test_it_is_cancelled_with_its_awaiter_and_cleans_up_first() -> None:
    ended: list[str] = []
    rest = started(waiting_for(asyncio.get_running_loop().create_future(), ended=ended))
    task = asyncio.ensure_future(rest)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["ended"]
