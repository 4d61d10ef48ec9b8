"""Loaders: single requests are read together, and known values are returned without waiting."""

import asyncio
from collections.abc import Mapping

import pytest

from oms.schema.compiled.eager import started
from oms.schema.runtime.reading.loader import Loader


class Library:
    """Records what is read. Has every key but 0."""

    def __init__(self) -> None:
        self.requests: list[list[int]] = []
        self.fails = False

    async def read(self, keys: list[int]) -> Mapping[int, str]:
        self.requests.append(keys)
        await asyncio.sleep(0)
        if self.fails:
            raise ConnectionError
        return {key: str(key) for key in keys if key}


@pytest.fixture
def library() -> Library:
    return Library()


@pytest.fixture
def loader(library: Library) -> Loader[int, str | None]:
    return Loader(library.read, None)


async def test_requests_of_one_turn_are_read_together(library: Library, loader: Loader[int, str | None]) -> None:
    found = await asyncio.gather(*(loader.load(key) for key in (3, 1, 3, 0)))
    assert found == ["3", "1", "3", None]
    assert library.requests == [[3, 1, 0]]


async def test_nothing_is_read_twice(library: Library, loader: Loader[int, str | None]) -> None:
    await loader.load(1)
    coming = asyncio.create_task(loader.load(2))
    await asyncio.sleep(0)
    found = await asyncio.gather(loader.load(1), loader.load(2), loader.load(3), coming)
    assert list(found) == ["1", "2", "3", "2"]
    assert sorted(key for keys in library.requests for key in keys) == [1, 2, 3]


async def test_a_known_value_is_returned_without_waiting(library: Library, loader: Loader[int, str | None]) -> None:
    loader.prime(7, "seven")
    await loader.load(0)
    for key, known in ((7, "seven"), (0, None)):
        with pytest.raises(StopIteration) as ended:
            loader.load(key).send(None)
        assert ended.value.value == known
    assert library.requests == [[0]]


async def test_every_caller_gets_the_error(library: Library, loader: Loader[int, str | None]) -> None:
    library.fails = True
    outcomes = await asyncio.gather(loader.load(1), loader.load(2), loader.load(1), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ConnectionError] * 3
    assert library.requests == [[1, 2]]


async def test_a_cancelled_caller_does_not_affect_others(library: Library, loader: Loader[int, str | None]) -> None:
    cancelled, waiting = asyncio.create_task(loader.load(1)), asyncio.create_task(loader.load(2))
    await asyncio.sleep(0)
    cancelled.cancel()
    assert await waiting == "2"
    assert await loader.load(1) == "1"
    assert sorted(key for keys in library.requests for key in keys) == [1, 2]


async def test_a_key_is_read_again_after_an_error(library: Library, loader: Loader[int, str | None]) -> None:
    library.fails = True
    with pytest.raises(ConnectionError):
        await loader.load(1)
    library.fails = False
    assert await loader.load(1) == "1"


async def test_callers_of_one_key_may_be_started_before_they_are_awaited(loader: Loader[int, str | None]) -> None:
    rest = [started(loader.load(1)) for _ in range(3)]
    assert await asyncio.gather(*rest) == ["1", "1", "1"]
