"""What every job works with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from oms.db import Database
from oms.domain.work import handle as work
from oms.domain.work.model import WorkKey
from oms.domain.work.store import Batch
from oms.providers.ports import BillingSystem, CourierSystem, ProviderUnavailable


@dataclass(frozen=True, slots=True)
class Shop:
    """The database, the outside systems and the rules of time. `attempts`: after the last one, work is parked."""

    db: Database
    billing: BillingSystem
    courier: CourierSystem
    answer_within: timedelta
    lease: timedelta
    batch: int
    attempts: int

    async def put_off(self, batch: Batch, failures: Mapping[WorkKey, ProviderUnavailable]) -> None:
        """Outcomes that stayed unknown: asked again later, with the same key."""
        if failures:
            async with self.db.transaction() as tx:
                for item in sorted(batch.items, key=lambda item: item.key):
                    if error := failures.get(item.key):
                        await work.put_off(tx, batch, item, error=_say(error), attempts=self.attempts, suspect=False)

    async def put_off_fault(self, batch: Batch, error: Exception) -> None:
        """A fault of ours: the item is suspect from now on and runs alone."""
        async with self.db.transaction() as tx:
            for item in sorted(batch.items, key=lambda item: item.key):
                await work.put_off(tx, batch, item, error=_say(error), attempts=self.attempts, suspect=True)


def _say(error: Exception) -> str:
    """For support to read; at most 500 characters."""
    return f"{type(error).__name__}: {error}"[:500]
