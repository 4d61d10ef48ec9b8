"""Background tasks end with the process; one that fails is logged and goes on."""

import asyncio

from structlog.testing import capture_logs

from oms.app import in_background
from oms.platform.tasks import supervised


async def for_ever() -> None:
    await asyncio.Event().wait()


async def fails() -> None:
    raise ValueError("a fault of ours")


async def test_a_task_that_ends_with_the_block_is_not_logged() -> None:
    with capture_logs() as logs:
        async with in_background(supervised("example", for_ever)):
            await asyncio.sleep(0)
    assert logs == []


async def test_a_failed_task_is_logged_at_once_and_the_others_go_on() -> None:
    ended = asyncio.Event()

    async def until_cancelled() -> None:
        try:
            await for_ever()
        finally:
            ended.set()

    with capture_logs() as logs:
        async with in_background(supervised("failing", fails), supervised("other", until_cancelled)):
            await asyncio.sleep(0.01)
            assert [entry["log_level"] for entry in logs] == ["error"]
            assert not ended.is_set()
    assert ended.is_set()
