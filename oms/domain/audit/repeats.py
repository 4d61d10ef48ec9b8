"""Records in the audit log what has no transaction of its own. Repeats are counted, so that no flood fills the disk."""

import asyncio
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

import structlog

from oms.domain.access.permissions import Viewer
from oms.domain.audit.model import Entry
from oms.domain.audit.record import record
from oms.platform.db import Database
from oms.platform.faults.outages import is_outage

log = structlog.get_logger(__name__)

EVERY_S: Final = 60.0
"""The same act of the same caller is recorded at most once in this time, with its count."""

WRITE_EVERY_S: Final = 1.0
MAX_PENDING: Final = 10_000


@dataclass(slots=True)
class _Repeated:
    viewer: Viewer
    entry: Callable[[int], Entry]
    times: int
    due_s: float


class Repeats:
    """One for each process and purpose. What is added is recorded a second later, in a transaction of its own."""

    def __init__(self, db: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._clock = clock
        self._counts: dict[tuple[str, Hashable], _Repeated] = {}

    def count(self, viewer: Viewer, act: Hashable, entry: Callable[[int], Entry]) -> None:
        """Counts the viewer's act. `entry` makes what is recorded from the number of times."""
        key = (viewer.principal, act)
        if key not in self._counts and len(self._counts) >= MAX_PENDING:
            log.warning("too many different acts at once: one is not recorded", principal=viewer.principal)
            return
        self._counts.setdefault(key, _Repeated(viewer, entry, 0, self._clock())).times += 1

    async def run(self) -> None:
        """Records every second what is due, until it is cancelled."""
        while True:
            await asyncio.sleep(WRITE_EVERY_S)
            try:
                await self.write()
            except Exception as error:
                if is_outage(error):
                    log.warning("database outage: audit entries are kept and recorded later", error=repr(error))
                else:
                    log.error("recording audit entries failed: they are kept and recorded later", exc_info=error)

    async def write(self, *, all_of_them: bool = False) -> None:
        """Records those that are due, or all, in one transaction."""
        now_s = self._clock()
        due = {k: kept for k, kept in self._counts.items() if kept.times and (all_of_them or kept.due_s <= now_s)}
        if due:
            times = {key: kept.times for key, kept in due.items()}
            async with self._db.transaction() as tx:
                for key, kept in due.items():
                    await record(tx, kept.viewer, kept.entry(times[key]))
            for key, kept in due.items():
                kept.times -= times[key]
                kept.due_s = now_s + EVERY_S
        self._counts = {key: kept for key, kept in self._counts.items() if kept.times or kept.due_s > now_s}
