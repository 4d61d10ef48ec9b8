"""What every job works with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from oms.domain.parked import commands as work
from oms.domain.work.model import WorkKey
from oms.domain.work.store import Batch
from oms.platform.db import Database
from oms.platform.redaction import redacted_text
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
            await self._put_off(batch, failures, suspect=False)

    async def put_off_fault(self, batch: Batch, error: Exception) -> None:
        """A fault of ours: the item is suspect from now on and runs alone."""
        await self._put_off(batch, dict.fromkeys(batch.keys, error), suspect=True)

    async def give_back(self, batch: Batch, *, delay: timedelta = timedelta(0), suspect: bool = False) -> None:
        """The items can be claimed again, by anybody; nothing is counted against them but what `suspect` says."""
        async with self.db.transaction() as tx:
            await work.give_back(tx, batch, delay=delay, suspect=suspect)

    async def _put_off(self, batch: Batch, failures: Mapping[WorkKey, Exception], *, suspect: bool) -> None:
        errors = {key: _say(error) for key, error in failures.items()}
        async with self.db.transaction() as tx:
            await work.put_off(tx, batch, errors, attempts=self.attempts, suspect=suspect)


def _say(error: Exception) -> str:
    """For support to read; at most 500 characters, and nothing that a trail must not keep for ever."""
    return redacted_text(f"{type(error).__name__}: {error}")[:500]
