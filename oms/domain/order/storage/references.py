"""Order references: each is taken once, by one order."""

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from oms.domain.order.model import Order
from oms.platform.db import Statement, Tx, columns

_TAKE: Final = Statement(
    """
    INSERT INTO order_references (reference, order_id, content_hash)
    SELECT * FROM unnest(CAST(:references AS text[]), CAST(:orders AS uuid[]), CAST(:hashes AS bytea[]))
    ON CONFLICT (reference) DO NOTHING RETURNING order_id
    """
)
_FIND: Final = Statement(
    "SELECT reference, order_id, content_hash FROM order_references WHERE reference = ANY(CAST(:references AS text[]))"
)


async def take(tx: Tx, new: Collection[Order], content_hashes: Mapping[UUID, bytes]) -> set[UUID]:
    """Takes the orders' references; returns the ids of the orders whose reference was free."""
    # In the order of references, so that two batches that share some wait for each other and never deadlock.
    rows = sorted((order.reference, order.id, content_hashes[order.id]) for order in new)
    return {row[0] for row in await tx.rows(_TAKE, **columns(("references", "orders", "hashes"), rows))}


async def taken(tx: Tx, references: Collection[str]) -> dict[str, tuple[UUID, bytes]]:
    """Those that are taken: the order's id and the hash of its content."""
    found = await tx.rows(_FIND, references=list(references))
    return {reference: (order_id, digest) for reference, order_id, digest in found}
