"""Allocating placed orders: one transaction for each batch, no calls outside."""

from oms.domain.allocation import commands
from oms.domain.work.store import Batch
from oms.jobs.context import JobContext


async def handle(context: JobContext, batch: Batch) -> None:
    async with context.db.transaction() as tx:
        await commands.allocate(tx, batch, answer_within=context.answer_within, hold=context.hold)
