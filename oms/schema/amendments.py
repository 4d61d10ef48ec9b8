"""Amended orders, which wait for their customer."""

import strawberry
from strawberry import Parent

from oms.domain.access.permissions import may
from oms.domain.amendments import commands
from oms.domain.amendments.policy import AmendmentPermission
from oms.domain.amendments.rules import can_accept
from oms.domain.order.policy import OrderPermission
from oms.platform.db import Tx
from oms.schema.order import Order, OrderId, OrderPayload, order_key
from oms.schema.runtime.commands import run_command
from oms.schema.runtime.context import Info
from oms.schema.runtime.fields import extends, mutation


@extends(
    Order, "What the viewer may do now: role, ownership and state taken together.", needs=OrderPermission.READ_ORDER
)
async def viewer_can_accept_amendment(order: Parent[Order]) -> bool:
    return may(order.reads.viewer, AmendmentPermission.ACCEPT_AMENDMENT) and can_accept(
        await order.whole(), at=order.seen.at
    )


@strawberry.type
class Mutations:
    """Commands on amended orders."""

    @mutation(
        "The customer accepts the order without its unavailable items.", needs=AmendmentPermission.ACCEPT_AMENDMENT
    )
    async def accept_amended_order(self, info: Info, order_id: OrderId) -> OrderPayload:
        async def act(tx: Tx) -> str:
            return (await commands.accept(tx, info.context.viewer, order_key(order_id))).hex

        return OrderPayload.of(info, await run_command(info, act))
