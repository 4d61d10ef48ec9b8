"""What every job works with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from oms.domain.allocation.rules import HOLD_ALL, HoldLimit
from oms.domain.parked import commands
from oms.domain.work.model import WorkKey
from oms.domain.work.store import Batch
from oms.platform.db import Database
from oms.platform.log.redaction import redacted_text
from oms.providers.ports import BillingSystem, CourierSystem, ProviderUnavailable


@dataclass(frozen=True, slots=True)
class JobContext:
    """The database, the providers and the limits. `attempts`: after the last one, work is parked.

    `hold`: what amended orders keep while they wait.
    """

    db: Database
    billing: BillingSystem
    courier: CourierSystem
    answer_within: timedelta
    lease: timedelta
    batch: int
    attempts: int
    hold: HoldLimit = HOLD_ALL

    async def retry_later(self, batch: Batch, failures: Mapping[WorkKey, ProviderUnavailable]) -> None:
        """After unknown outcomes: the requests are repeated later, with the same keys."""
        if failures:
            await self._retry_later(batch, failures, suspect=False)

    async def retry_suspect(self, batch: Batch, error: Exception) -> None:
        """After an error of our own: the items are suspects from now on and run alone."""
        await self._retry_later(batch, dict.fromkeys(batch.keys, error), suspect=True)

    async def nack(self, batch: Batch, *, delay: timedelta = timedelta(0), suspect: bool = False) -> None:
        """Undoes the claim: any worker may claim the items again, and the attempt does not count."""
        async with self.db.transaction() as tx:
            await commands.nack(tx, batch, delay=delay, suspect=suspect)

    async def _retry_later(self, batch: Batch, failures: Mapping[WorkKey, Exception], *, suspect: bool) -> None:
        errors = {key: message_of(error) for key, error in failures.items()}
        async with self.db.transaction() as tx:
            await commands.retry_later(tx, batch, errors, attempts=self.attempts, suspect=suspect)


def message_of(error: Exception) -> str:
    """For support; at most 500 characters, without secrets, because event logs are permanent.

    Without NUL characters, which PostgreSQL cannot store, if a provider sent some.
    """
    return redacted_text(f"{type(error).__name__}: {error}").replace("\0", "")[:500]
