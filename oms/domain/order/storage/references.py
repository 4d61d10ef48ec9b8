"""Order references: each is taken once in the shop, or once among those that one customer chose."""

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from oms.domain.order.model import Order
from oms.platform.db import Statement, Tx, columns

SHOP: Final = ""
"""The owner of the references that are unique in the shop."""

Claim = tuple[str, str]
"""An owner, SHOP or a customer's reference, and the order reference that they chose."""

_TAKE: Final = Statement(
    """
    INSERT INTO order_references (owner, reference, order_id, content_hash)
    SELECT * FROM unnest(CAST(:owners AS text[]), CAST(:references AS text[]), CAST(:orders AS uuid[]),
                         CAST(:hashes AS bytea[]))
    ON CONFLICT (reference, owner) DO NOTHING RETURNING order_id
    """
)
_FIND: Final = Statement(
    """
    SELECT owner, reference, order_id, content_hash
    FROM unnest(CAST(:owners AS text[]), CAST(:references AS text[])) AS t(owner, reference)
    JOIN order_references USING (owner, reference)
    """
)
_GIVE: Final = Statement(
    """
    INSERT INTO order_references (owner, reference, order_id, content_hash)
    SELECT '', * FROM unnest(CAST(:references AS text[]), CAST(:orders AS uuid[]), CAST(:hashes AS bytea[]))
    """
)


def claim_of(order: Order) -> Claim:
    """What whoever placed the order chose."""
    return (SHOP, order.reference) if order.own_reference is None else (order.customer_reference, order.own_reference)


async def take(tx: Tx, new: Collection[Order], content_hashes: Mapping[UUID, bytes]) -> set[UUID]:
    """Takes the orders' references; returns the ids of the orders whose reference was free."""
    # In the order of references, so that two batches that share some wait for each other and never deadlock.
    rows = sorted((*claim_of(order), order.id, content_hashes[order.id]) for order in new)
    names = ("owners", "references", "orders", "hashes")
    free = {row[0] for row in await tx.rows(_TAKE, **columns(names, rows))}
    # The shop's references of customers' orders are random, so they are free; a clash would fail the transaction.
    given = [
        (order.reference, order.id, content_hashes[order.id])
        for order in new
        if order.own_reference is not None and order.id in free
    ]
    if given:
        await tx.run(_GIVE, **columns(names[1:], given))
    return free


async def taken(tx: Tx, claims: Collection[Claim]) -> dict[Claim, tuple[UUID, bytes]]:
    """Those that are taken: the order's id and the hash of its content."""
    found = await tx.rows(_FIND, **columns(("owners", "references"), list(claims)))
    return {(owner, reference): (order_id, digest) for owner, reference, order_id, digest in found}
