"""What is needed to price an order: one that is not placed yet, or one that is."""

from collections.abc import Collection
from datetime import UTC, datetime
from uuid import UUID

from oms.domain.access.permissions import Viewer, require
from oms.domain.allocation.rules import HOLD_ALL, HoldLimit
from oms.domain.catalog import store as catalog_store
from oms.domain.inventory import store as inventory_store
from oms.domain.order.policy import OrderPermission, OrderReason
from oms.domain.order.storage.load import peek
from oms.domain.order.storage.references import SHOP
from oms.domain.order_queries import orders
from oms.domain.placing import commands as placing
from oms.domain.placing.limits import NO_LIMITS, PlacingLimits
from oms.domain.placing.policy import PlacingPermission
from oms.domain.placing.request import OrderRequest
from oms.domain.quoting import rules
from oms.domain.quoting.rules import Prospect
from oms.domain.vocabulary.errors import Refused, refused
from oms.domain.vocabulary.wording import wording
from oms.platform.db import Database


async def of_request(
    db: Database,
    viewer: Viewer,
    request: OrderRequest,
    *,
    limits: PlacingLimits = NO_LIMITS,
    hold: HoldLimit = HOLD_ALL,
) -> Prospect:
    """The order as it would be placed and allocated now. Raises Refused as placing it does.

    Not for the limits on what a customer has open and unpaid, which are counted under a lock when an order is placed.
    """
    require(viewer, PlacingPermission.PLACE_ORDER)
    if refusal := placing.refusal(request, viewer, limits):
        raise refusal
    skus = {line.sku for line in request.lines}
    catalogue = await catalog_store.of_skus(db, skus)
    priced = request.priced(catalogue)
    if priced.problems:
        raise Refused(*priced.problems)
    order = rules.allocated(
        priced.lines,
        priced.currency,
        await inventory_store.available(db, skus),
        hold=hold,
        by_customer=placing.owner_of(viewer, request) != SHOP,
        at=datetime.now(UTC),
    )
    return Prospect(order, {sku: product.tax_bps for sku, product in catalogue.items()})


async def of_order(db: Database, viewer: Viewer, order_id: UUID) -> Prospect:
    """A placed order. Raises Refused: FORBIDDEN, or NOT_FOUND if there is none that the viewer may see."""
    require(viewer, OrderPermission.READ_MONEY)
    if not await orders.of_ids(db, viewer, [order_id]):
        raise refused(OrderReason.ORDER_NOT_FOUND, wording("There is no such order."), "orderId")
    order = (await peek(db, [order_id], items=True))[order_id]
    order.lines = (await orders.lines_of(db, [order_id])).get(order_id, [])
    return Prospect(order, await _tax_rates(db, {line.sku for line in order.lines}))


async def _tax_rates(db: Database, skus: Collection[str]) -> dict[str, int | None]:
    return {sku: product.tax_bps for sku, product in (await catalog_store.of_skus(db, skus)).items()}
