"""Deadlines of amended orders: calls nobody outside, one transaction a batch."""

from oms.domain.placing import commands
from oms.domain.work.store import Batch
from oms.jobs.context import Shop


async def carry(shop: Shop, batch: Batch) -> None:
    async with shop.db.transaction() as tx:
        await commands.time_out(tx, batch)
