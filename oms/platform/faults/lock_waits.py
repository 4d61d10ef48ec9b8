"""Waiting for a lock that somebody else holds, without a connection.

A transaction that waits for a lock keeps its connection. A dozen of them, for one order that a frozen process holds,
would take all connections of the process. So PostgreSQL ends a wait early; the transaction is run again later, and few
of those that wait use a connection at the same time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from oms.platform.faults.outages import is_lock_timeout

T = TypeVar("T")

LOCK_TIMEOUT_S: Final = 1.0
"""How long a statement waits for a lock, and with it its connection."""

PATIENCE_S: Final = 30.0
"""How long a command waits for locks altogether."""

CONNECTIONS: Final = 2
PAUSE_S: Final = 0.25


class LockWaits:
    """Those of one process that found a lock held."""

    def __init__(self) -> None:
        self._connections = asyncio.Semaphore(CONNECTIONS)

    @staticmethod
    def give_up_at_s() -> float:
        """For somebody who begins to wait now; seconds of the event loop's clock."""
        return asyncio.get_running_loop().time() + PATIENCE_S

    async def run(self, act: Callable[[], Awaitable[T]]) -> T:
        """Runs a transaction, and repeats it while a lock keeps it waiting. Raises what the transaction raises."""
        give_up_at_s = self.give_up_at_s()
        try:
            return await act()
        except Exception as error:
            if not is_lock_timeout(error):
                raise
        return await self.again(act, give_up_at_s)

    async def again(self, act: Callable[[], Awaitable[T]], give_up_at_s: float) -> T:
        """The same for a transaction that has found a lock held before."""
        while True:
            async with self._connections:
                try:
                    return await act()
                except Exception as error:
                    if not is_lock_timeout(error) or asyncio.get_running_loop().time() >= give_up_at_s:
                        raise
            await asyncio.sleep(PAUSE_S)
