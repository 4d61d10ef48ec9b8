"""Adds new entries of the audit log to its chain, shortly after they were committed."""

from typing import Final

import structlog

from oms.domain.audit.chain import store as chain_store
from oms.domain.audit.chain.links import Link, sealed
from oms.platform.db import Database

log = structlog.get_logger(__name__)

BATCH: Final = 1000


async def seal(db: Database) -> None:
    """Seals all that is committed, in batches; does nothing while another process does it.

    The newest digest is logged: kept elsewhere, it shows whether somebody rewrote the chain.
    """
    newest = None
    while batch := await _seal_batch(db):
        newest = batch[-1]
        if len(batch) < BATCH:
            break
    if newest:
        log.info("The audit log is sealed", up_to=newest.number, digest=newest.digest.hex())


async def _seal_batch(db: Database) -> list[Link]:
    async with db.transaction() as tx:
        if not await chain_store.try_lock(tx):
            return []
        last = await chain_store.last(tx.conn)
        links = list(sealed(last, await chain_store.unsealed(tx, last, limit=BATCH)))
        if links:
            await chain_store.add(tx, links)
        return links
