"""What was refused because the caller may not do it: recorded soon after, and so seldom that floods fill no disk."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from oms.domain.access.permissions import Viewer
from oms.domain.audit.model import Entry
from oms.domain.audit.policy import RefusalAction
from oms.domain.audit.record import record
from oms.domain.vocabulary.errors import Code, Refused
from oms.platform.db import Database, is_outage

log = structlog.get_logger(__name__)

EVERY_S: Final = 60.0
"""The same refusal of the same caller is recorded at most once in this time, with how often it happened."""

WRITTEN_EVERY_S: Final = 1.0
MOST_KEPT: Final = 10_000


@dataclass(slots=True)
class _Repeated:
    viewer: Viewer
    times: int
    due_s: float


class RefusalTrail:
    """One a process. A refusal rolls its transaction back, so it can't be recorded there; here it waits a second."""

    def __init__(self, db: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._clock = clock
        self._kept: dict[tuple[str, str], _Repeated] = {}

    def note(self, viewer: Viewer, refusal: Refused) -> None:
        """Does nothing for refusals of other kinds."""
        for message in {problem.message for problem in refusal.problems if problem.code == Code.FORBIDDEN}:
            key = (viewer.principal, message)
            if key not in self._kept and len(self._kept) >= MOST_KEPT:
                log.warning("Too many different refusals at once: one is not recorded", principal=viewer.principal)
                continue
            self._kept.setdefault(key, _Repeated(viewer, 0, self._clock())).times += 1

    async def follow(self) -> None:
        """Records what is due, again and again, until it is cancelled."""
        while True:
            await asyncio.sleep(WRITTEN_EVERY_S)
            try:
                await self.write()
            except Exception as error:
                if is_outage(error):
                    log.warning("Refusals can't be recorded just now and are kept", error=repr(error))
                else:
                    log.error("Refusals could not be recorded and are kept", exc_info=error)

    async def write(self, *, all_of_them: bool = False) -> None:
        """Records those that are due, or all, in a transaction of their own."""
        now_s = self._clock()
        due = {k: kept for k, kept in self._kept.items() if kept.times and (all_of_them or kept.due_s <= now_s)}
        if due:
            times = {key: kept.times for key, kept in due.items()}
            async with self._db.transaction() as tx:
                for key, kept in due.items():
                    told = Entry(RefusalAction.OperationRefused, after={"times": times[key]}, reason=key[1])
                    await record(tx, kept.viewer, told)
            for key, kept in due.items():
                kept.times -= times[key]
                kept.due_s = now_s + EVERY_S
        self._kept = {key: kept for key, kept in self._kept.items() if kept.times or kept.due_s > now_s}
