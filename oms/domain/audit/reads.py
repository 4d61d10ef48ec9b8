"""Records in the audit log which orders' personal data staff read."""

import random
import time
from collections.abc import Callable
from functools import partial
from uuid import UUID

from oms.domain.access.permissions import Viewer
from oms.domain.audit.model import OVERRIDING, Entry
from oms.domain.audit.policy import ReadAction
from oms.domain.audit.repeats import Repeats
from oms.domain.vocabulary.ids import order_id
from oms.platform.db import Database


class ReadRecorder(Repeats):
    """`share`: of the reads that are recorded, chosen at random; 1 records all, 0 none."""

    def __init__(self, db: Database, *, share: float, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(db, clock=clock)
        self._share = share

    def add(self, viewer: Viewer, order: UUID) -> None:
        """Counts a read by staff; others read their own orders, or what they carry."""
        if viewer.role in OVERRIDING and random.random() < self._share:  # noqa: S311 - a sample, no secret
            self.count(viewer, order, partial(_entry, order))


def _entry(order: UUID, times: int) -> Entry:
    return Entry(ReadAction.PersonalDataRead, order_id(order), after={"times": times}, order_id=order)
