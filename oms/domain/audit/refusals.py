"""Records forbidden operations in the audit log. Repeats are counted, so that a flood does not fill the disk."""

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
from oms.platform.db import Database
from oms.platform.faults.outages import is_outage

log = structlog.get_logger(__name__)

EVERY_S: Final = 60.0
"""The same refusal of the same caller is recorded at most once in this time, with its count."""

WRITE_EVERY_S: Final = 1.0
MAX_PENDING: Final = 10_000


@dataclass(slots=True)
class _Repeated:
    viewer: Viewer
    times: int
    due_s: float


class RefusalRecorder:
    """One for each process. A refusal rolls its transaction back, so it is recorded a second later in another one."""

    def __init__(self, db: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._clock = clock
        self._counts: dict[tuple[str, str, str], _Repeated] = {}

    def add(self, viewer: Viewer, refusal: Refused) -> None:
        """Counts each FORBIDDEN problem; ignores other codes."""
        forbidden = (problem for problem in refusal.problems if problem.code == Code.FORBIDDEN)
        for reason, message in {(problem.reason.name, problem.message) for problem in forbidden}:
            key = (viewer.principal, reason, message)
            if key not in self._counts and len(self._counts) >= MAX_PENDING:
                log.warning("too many different refusals at once: one is dropped", principal=viewer.principal)
                continue
            self._counts.setdefault(key, _Repeated(viewer, 0, self._clock())).times += 1

    async def run(self) -> None:
        """Records every second what is due, until it is cancelled."""
        while True:
            await asyncio.sleep(WRITE_EVERY_S)
            try:
                await self.write()
            except Exception as error:
                if is_outage(error):
                    log.warning("database outage: refusals are kept and recorded later", error=repr(error))
                else:
                    log.error("recording refusals failed: they are kept and recorded later", exc_info=error)

    async def write(self, *, all_of_them: bool = False) -> None:
        """Records those that are due, or all, in one transaction. The audit entry's subject is the refusal's reason."""
        now_s = self._clock()
        due = {k: kept for k, kept in self._counts.items() if kept.times and (all_of_them or kept.due_s <= now_s)}
        if due:
            times = {key: kept.times for key, kept in due.items()}
            async with self._db.transaction() as tx:
                for key, kept in due.items():
                    _, reason, message = key
                    entry = Entry(RefusalAction.OperationRefused, reason, after={"times": times[key]}, reason=message)
                    await record(tx, kept.viewer, entry)
            for key, kept in due.items():
                kept.times -= times[key]
                kept.due_s = now_s + EVERY_S
        self._counts = {key: kept for key, kept in self._counts.items() if kept.times or kept.due_s > now_s}
