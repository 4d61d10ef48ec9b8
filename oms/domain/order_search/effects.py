"""Search terms follow from an order's texts: those it is placed with, invoice numbers and tracking numbers."""

from collections.abc import Sequence
from typing import Final

from oms.domain.concept.declaration import Change, LockOrder
from oms.domain.order.model import Order
from oms.domain.order_search.model import Sources, sources_of, terms_in
from oms.platform.db import Statement, Tx, columns


class SearchTerms:
    """Adds the terms of new texts. Those of a number that was replaced stay: people keep old tracking numbers."""

    locks: LockOrder = LockOrder.ORDERS
    nothing: Sources = ()

    def of(self, order: Order) -> Sources:
        return sources_of(order)

    async def apply(self, tx: Tx, changes: Sequence[Change[Sources]]) -> None:
        rows = [
            (change.order.id, term, int(field))
            for change in changes
            for field, text in change.now
            if (field, text) not in change.before
            for term in terms_in(field, text)
        ]
        if rows:
            await tx.run(_ADD, **columns(("orders", "terms", "fields"), rows))


_ADD: Final = Statement(
    """
    INSERT INTO order_terms (order_id, term, field)
    SELECT * FROM unnest(CAST(:orders AS uuid[]), CAST(:terms AS text[]), CAST(:fields AS smallint[]))
    ON CONFLICT DO NOTHING
    """
)
