"""Snapshots of what follows from an order's state, according to the registered effects and kinds of work.

Comparing those before and after a change gives everything that must be written besides the order itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oms.domain.concept.declaration import Change
from oms.domain.concept.registry import registered
from oms.domain.concept.work import Due
from oms.domain.order.model import Order
from oms.domain.work import due
from oms.domain.work.model import WorkKey
from oms.platform.db import Tx


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`states`: one for each registered effect, in their order. `shipments`: how many there were."""

    work: Mapping[WorkKey, Due]
    states: tuple[Any, ...]
    shipments: int

    @classmethod
    def of(cls, order: Order) -> "Snapshot":
        states = tuple([effect.of(order) for effect in registered().effects])
        return cls(due_work(order), states, len(order.shipments))


def before_placing() -> Snapshot:
    """Of an order that does not exist yet."""
    return Snapshot({}, tuple([effect.nothing for effect in registered().effects]), 0)


def due_work(order: Order) -> dict[WorkKey, Due]:
    """All work that the order's present state calls for, of every registered kind."""
    return due.due_work("order", order.id, order)


async def apply(tx: Tx, orders: Sequence[Order], before: Sequence[Snapshot], now: Sequence[Snapshot]) -> None:
    """Writes what follows from the change of each order, effect by effect."""
    for place, effect in enumerate(registered().effects):
        changes = [
            Change(order, was.states[place], snapshot.states[place])
            for order, was, snapshot in zip(orders, before, now, strict=True)
            if was.states[place] != snapshot.states[place]
        ]
        if changes:
            await effect.apply(tx, changes)
