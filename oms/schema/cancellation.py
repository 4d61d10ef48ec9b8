"""Cancellation of orders."""

from typing import Annotated

import strawberry
from strawberry import Parent

from oms.domain.access.permissions import may
from oms.domain.cancellation import commands
from oms.domain.cancellation.policy import CancellationPermission
from oms.domain.cancellation.rules import can_cancel
from oms.domain.order.policy import OrderPermission
from oms.platform.db import Tx
from oms.schema.order import Order, OrderId, OrderPayload, order_key
from oms.schema.runtime.commands import run_command
from oms.schema.runtime.context import Info
from oms.schema.runtime.fields import argument, extends, mutation


@extends(
    Order, "Whether role, ownership and state allow the viewer to cancel it now.", needs=OrderPermission.READ_ORDER
)
async def viewer_can_cancel(order: Parent[Order]) -> bool:
    return may(order.reads.viewer, CancellationPermission.CANCEL_ORDER) and can_cancel(await order.whole())


@strawberry.type
class Mutations:
    """Commands that cancel."""

    @mutation("Allowed until the first shipment is dispatched.", needs=CancellationPermission.CANCEL_ORDER)
    async def cancel_order(
        self,
        info: Info,
        order_id: OrderId,
        reason: Annotated[
            str | None, argument("Why, at most 500 characters; it is kept in the order's history.")
        ] = None,
    ) -> OrderPayload:
        async def act(tx: Tx) -> str:
            context = info.context
            key = order_key(order_id)
            return (await commands.cancel(tx, context.viewer, key, reason, second_person=context.second_person)).hex

        return OrderPayload.of(info, await run_command(info, act))
