"""Finishing repairs: one transaction for each batch, no calls outside."""

from oms.domain.work.store import Batch
from oms.jobs.context import JobContext
from tests.new_concept.repairs import commands


async def handle(context: JobContext, batch: Batch) -> None:
    async with context.db.transaction() as tx:
        await commands.finish(tx, batch)
