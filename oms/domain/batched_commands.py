"""The commands that are frequent enough to be batched; all others run one by one."""

from dataclasses import dataclass
from functools import partial
from typing import Self

from oms.domain.fulfilment import commands as fulfilment
from oms.domain.fulfilment.commands import MoveShipment
from oms.domain.idempotency.batcher import Batcher
from oms.domain.order.shipment import Shipment
from oms.domain.placing import commands as placing
from oms.domain.placing.commands import Placed
from oms.domain.placing.limits import NO_LIMITS, PlacingLimits
from oms.domain.placing.request import OrderRequest
from oms.platform.db import Database


@dataclass(frozen=True, slots=True)
class BatchedCommands:
    """One batcher for each kind, in each process."""

    place: Batcher[OrderRequest, Placed]
    move: Batcher[MoveShipment, Shipment]

    @classmethod
    def over(cls, db: Database, limits: PlacingLimits = NO_LIMITS) -> Self:
        """`limits`: of what customers place."""
        return cls(
            Batcher(
                db,
                partial(placing.place, limits=limits),
                lambda placed: placed.id.hex,
                lambda request: request.customer_reference,
            ),
            Batcher(
                db,
                fulfilment.move,
                lambda shipment: [shipment.order_id.hex, shipment.number],
                lambda command: command.key[0],
            ),
        )
