"""Loaders: many that ask one by one are answered by one reading, and what is known is not waited for."""

import asyncio
from collections.abc import Mapping

import pytest

from oms.schema.runtime.loader import Loader


class Library:
    """What is read, and how often. Has everything but 0."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.fails = False

    async def read(self, keys: list[int]) -> Mapping[int, str]:
        self.asked.append(keys)
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


async def test_those_who_ask_in_one_turn_are_answered_by_one_reading(
    library: Library, loader: Loader[int, str | None]
) -> None:
    found = await asyncio.gather(*(loader.load(key) for key in (3, 1, 3, 0)))
    assert found == ["3", "1", "3", None]
    assert library.asked == [[3, 1, 0]]


async def test_nothing_is_read_twice(library: Library, loader: Loader[int, str | None]) -> None:
    await loader.load(1)
    coming = asyncio.create_task(loader.load(2))
    await asyncio.sleep(0)
    found = await asyncio.gather(loader.load(1), loader.load(2), loader.load(3), coming)
    assert list(found) == ["1", "2", "3", "2"]
    assert sorted(key for keys in library.asked for key in keys) == [1, 2, 3]


async def test_what_is_known_is_told_without_waiting(library: Library, loader: Loader[int, str | None]) -> None:
    loader.prime(7, "seven")
    await loader.load(0)
    for key, known in ((7, "seven"), (0, None)):
        with pytest.raises(StopIteration) as ended:
            loader.load(key).send(None)
        assert ended.value.value == known
    assert library.asked == [[0]]


async def test_a_failure_is_told_to_all_who_asked(library: Library, loader: Loader[int, str | None]) -> None:
    library.fails = True
    outcomes = await asyncio.gather(loader.load(1), loader.load(2), loader.load(1), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ConnectionError] * 3
    assert library.asked == [[1, 2]]


async def test_who_gives_up_spoils_nothing_for_others(library: Library, loader: Loader[int, str | None]) -> None:
    impatient, patient = asyncio.create_task(loader.load(1)), asyncio.create_task(loader.load(2))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == "2"
    assert await loader.load(1) == "1"
    assert sorted(key for keys in library.asked for key in keys) == [1, 2]
