"""Allocating placed orders."""

from datetime import timedelta

from oms.domain.allocation import rules
from oms.domain.allocation.plan import Plan
from oms.domain.allocation.rules import HOLD_ALL, HoldLimit
from oms.domain.inventory import store as inventory
from oms.domain.order.model import Order, OrderStatus
from oms.domain.order.storage.load import lock
from oms.domain.shop_settings import store as shop_settings
from oms.domain.vocabulary.actor import Actor
from oms.domain.work import store as work_store
from oms.domain.work.store import Batch
from oms.platform.db import Tx


async def allocate(tx: Tx, batch: Batch, *, answer_within: timedelta, hold: HoldLimit = HOLD_ALL) -> None:
    """Allocates a batch of orders, one after the other, over stock that is locked once for all of them.

    `answer_within`: how long customers have to answer, unless a manager has set another time; `hold`: what amended
    orders keep meanwhile.
    """
    by = Actor(batch.queue)
    locked = await lock(tx, batch.subject_ids, lines=True)
    ours = await work_store.verify_claims(tx, batch)
    claimed = {key.subject_id for key in ours}
    pending = [order for order in locked if order.status == OrderStatus.PENDING and order.id in claimed]
    demands = {order.id: rules.demand(order) for order in pending}
    levels = await inventory.lock_available(tx, {sku for demand in demands.values() for sku in demand})
    plans: list[tuple[Order, Plan]] = []
    for order in pending:
        found = rules.planned(demands[order.id], levels, most=hold.of(order))
        for part in found.parts:
            for sku, units in part.units.items():
                levels[sku][part.warehouse_code] -= units
        plans.append((order, found))
    if any(found.short for _, found in plans):  # only what is amended has a deadline, and pays for reading it
        answer_within = await shop_settings.answer_within(tx, answer_within)
    for order, found in plans:
        rules.allocate(order, found, by=by, at=locked.at, answer_within=answer_within, keeps=hold.of(order))
    await locked.save()
    await work_store.ack(tx, batch, locked.still_due(ours))
