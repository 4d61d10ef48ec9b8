"""Runs commands on the database; a refusal is printed without a traceback."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from oms.platform.settings import CannotStart

if TYPE_CHECKING:
    from oms.platform.db import Database

T = TypeVar("T")


def on_database(url: str, act: "Callable[[Database], Awaitable[T]]") -> T:
    """Returns the result of `act`. Raises: CannotStart, with the reasons of a refusal."""
    return asyncio.run(_on_database(url, act))


async def _on_database(url: str, act: "Callable[[Database], Awaitable[T]]") -> T:
    import oms.domain.concepts  # noqa: F401 - registers them
    from oms.domain.vocabulary.errors import Refused
    from oms.platform.db import Database

    database = Database(url, pool_size=1, notify=lambda _: None)
    try:
        return await act(database)
    except Refused as refusal:
        raise CannotStart("\n".join(problem.message for problem in refusal.problems)) from refusal
    finally:
        await database.close()
