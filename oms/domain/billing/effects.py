"""A customer's spending follows from payments: reserved while charging, kept while paid, given back on a decline."""

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from oms.domain.concept.declaration import Change, LockOrder
from oms.domain.fraud import store
from oms.domain.fraud.store import TallyKey
from oms.domain.order.model import Order
from oms.platform.db import Tx

Tallied = Mapping[int, tuple[int, int]]
"""By shipment number: spending period and minor units."""


class CustomerSpending:
    """Adds to the customer's tally. An amount is given back only to the period that it was taken from."""

    locks: LockOrder = LockOrder.TALLIES
    nothing: Tallied = MappingProxyType({})

    def of(self, order: Order) -> Tallied:
        return {
            shipment.number: (shipment.payment.period, shipment.payment.tallied_minor)
            for shipment in order.shipments
            if shipment.payment.period is not None
        }

    async def apply(self, tx: Tx, changes: Sequence[Change[Tallied]]) -> None:
        moves: Counter[TallyKey] = Counter()
        for change in changes:
            order = change.order
            for number, (period, minor) in change.now.items():
                before = change.before.get(number, (period, 0))[1]
                moves[order.customer_id, order.currency, period] += minor - before
        await store.move_tallies(tx, {key: minor for key, minor in moves.items() if minor})
