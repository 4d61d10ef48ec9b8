"""Allocating placed orders: calls nobody outside, one transaction a batch."""

from oms.domain.placing import commands
from oms.domain.work.store import Batch
from oms.jobs.context import Shop


async def carry(shop: Shop, batch: Batch) -> None:
    async with shop.db.transaction() as tx:
        await commands.allocate(tx, batch, answer_within=shop.answer_within)
