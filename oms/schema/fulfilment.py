"""What is done with shipments: dispatching, delivering, reporting as failed."""

from typing import Any
from uuid import UUID

import strawberry

from oms.domain.fulfilment import commands
from oms.domain.fulfilment.commands import CourierAction, MoveShipment
from oms.domain.order.shipment import ShipmentKey
from oms.domain.order_queries import shipments
from oms.domain.vocabulary import ids
from oms.platform.db import Tx
from oms.schema.runtime.commands import carry_out, run_batched
from oms.schema.runtime.context import Info
from oms.schema.runtime.errors import UserError
from oms.schema.runtime.fields import mutation
from oms.schema.runtime.reads import Reads
from oms.schema.shipments import Shipment


@strawberry.type
class ShipmentPayload:
    """The shipment as it now is, or why nothing was done."""

    reads: strawberry.Private[Reads]
    key: strawberry.Private[ShipmentKey | None]
    user_errors: list[UserError]

    @strawberry.field
    async def shipment(self, info: Info) -> Shipment | None:
        seen = await shipments.just_changed(info.context.db, self.key) if self.key else None
        return Shipment.of(self.reads, seen) if seen else None


async def _move(info: Info, action: CourierAction, shipment_id: strawberry.ID) -> ShipmentPayload:
    command = MoveShipment(action, _shipment(shipment_id))
    done, errors = await run_batched(info, info.context.batched.move, command)
    return _payload(info, done.subject if done else None, errors)


def _payload(info: Info, subject: Any, errors: list[UserError]) -> ShipmentPayload:
    """`subject`: the shipment's order and number as a JSON value, which is how it is kept for repeats."""
    key = (UUID(hex=subject[0]), subject[1]) if subject else None
    return ShipmentPayload(reads=info.context.fresh_reads(), key=key, user_errors=errors)


def _shipment(text: str) -> ShipmentKey:
    """For a malformed id, one that no shipment has: the answer is the same."""
    return ids.parse_shipment(text) or (ids.NO_ID, 0)


@strawberry.type
class ShipmentMutations:
    """What is done with shipments."""

    @strawberry.mutation
    async def dispatch_shipment(self, info: Info, shipment_id: strawberry.ID) -> ShipmentPayload:
        return await _move(info, CourierAction.DISPATCH, shipment_id)

    @strawberry.mutation
    async def deliver_shipment(self, info: Info, shipment_id: strawberry.ID) -> ShipmentPayload:
        return await _move(info, CourierAction.DELIVER, shipment_id)

    @mutation(
        "Lost, refused or undeliverable, or never collected: ends a BOOKED or DISPATCHED shipment and refunds"
        " its charge."
    )
    async def fail_shipment(self, info: Info, shipment_id: strawberry.ID, reason: str) -> ShipmentPayload:
        async def act(tx: Tx) -> list[str | int]:
            order_id, number = await commands.fail(tx, info.context.viewer, _shipment(shipment_id), reason)
            return [order_id.hex, number]

        return _payload(info, *await carry_out(info, act))
