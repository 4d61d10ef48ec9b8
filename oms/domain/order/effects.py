"""What an order holds at one moment: work it calls for, units it claims, money its customer's tally carries.

Comparing the standing before and after a change gives everything that must be written besides the order itself, so no
rule can forget to release stock, give an amount back or see to it that the next step is taken.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Self
from uuid import UUID

from oms.domain.order.model import Order
from oms.domain.order.shipment import OPEN, Shipment
from oms.domain.work.model import Due, WorkKey, wanted


class Claim(Enum):
    """What a shipment's items are to the stock of its warehouse."""

    ALLOCATED = auto()
    GONE = auto()
    NONE = auto()


@dataclass(frozen=True, slots=True)
class Standing:
    """`claims` by shipment number; `tallied` by shipment number as (spending period, minor units)."""

    work: Mapping[WorkKey, Due]
    claims: Mapping[int, Claim]
    tallied: Mapping[int, tuple[int, int]]

    @classmethod
    def of(cls, order: Order) -> Self:
        return cls(
            wanted(order),
            {shipment.number: _claim(shipment) for shipment in order.shipments},
            {
                shipment.number: (shipment.payment.period, shipment.payment.tallied_minor)
                for shipment in order.shipments
                if shipment.payment.period is not None
            },
        )


def _claim(shipment: Shipment) -> Claim:
    if shipment.dispatched_at:
        return Claim.GONE
    return Claim.ALLOCATED if shipment.status in OPEN else Claim.NONE


@dataclass(slots=True)
class StockMoves:
    """`claimed`: units by (SKU, warehouse). `released` and `gone`: (order, number) of shipments whose items move."""

    claimed: Counter[tuple[str, str]] = field(default_factory=Counter)
    released: list[tuple[UUID, int]] = field(default_factory=list)
    gone: list[tuple[UUID, int]] = field(default_factory=list)


def stock_moves(orders: Sequence[Order], before: Sequence[Standing], now: Sequence[Standing]) -> StockMoves:
    moves = StockMoves()
    for order, was, standing in zip(orders, before, now, strict=True):
        for shipment in order.shipments:
            match was.claims.get(shipment.number), standing.claims[shipment.number]:
                case None, Claim.ALLOCATED:
                    for item in shipment.items:
                        moves.claimed[item.sku, shipment.warehouse_code] += item.quantity
                case Claim.ALLOCATED, Claim.NONE:
                    moves.released.append((order.id, shipment.number))
                case Claim.ALLOCATED, Claim.GONE:
                    moves.gone.append((order.id, shipment.number))
    return moves


TallyKey = tuple[UUID, str, int]
"""Customer, currency and spending period."""


def tally_moves(orders: Sequence[Order], before: Sequence[Standing], now: Sequence[Standing]) -> Mapping[TallyKey, int]:
    """By how many minor units each tally changes; an amount goes back only into the period it was taken from."""
    moves: Counter[TallyKey] = Counter()
    for order, was, standing in zip(orders, before, now, strict=True):
        for number, (period, minor) in standing.tallied.items():
            moves[order.customer_id, order.currency, period] += minor - was.tallied.get(number, (period, 0))[1]
    return {key: minor for key, minor in moves.items() if minor}
