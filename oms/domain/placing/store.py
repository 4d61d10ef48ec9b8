"""What customers have placed themselves and not finished, counted from the rows of their orders."""

from collections import defaultdict
from collections.abc import Collection
from typing import Final

from oms.domain.order.model import OrderStatus
from oms.domain.order.payment import PaymentStatus
from oms.domain.order.shipment import OPEN
from oms.domain.placing.limits import Standing, Standings
from oms.domain.vocabulary.machine import sql_list
from oms.platform.db import Statement, Tx

# In the order of references, so that two transactions wait for each other and never deadlock.
_LOCK: Final = Statement(
    """
    SELECT pg_advisory_xact_lock(hashtextextended('placing' || chr(10) || reference, 0))
    FROM (SELECT DISTINCT unnest(CAST(:references AS text[])) AS reference ORDER BY 1) AS customers
    """
)
_BEFORE_SHIPMENTS: Final = sql_list(frozenset({OrderStatus.PENDING, OrderStatus.CUSTOMER_ACTION_REQUIRED}))
_NOT_PAID: Final = sql_list(frozenset({PaymentStatus.PENDING, PaymentStatus.CHARGING}))
_STANDINGS: Final = Statement(
    f"""
    SELECT o.customer_reference, o.currency, count(*), coalesce(sum(unpaid.units), 0), coalesce(sum(unpaid.minor), 0)
    FROM orders o CROSS JOIN LATERAL (
        SELECT sum(units) AS units, sum(units * unit_price_minor) AS minor FROM (
            SELECT l.quantity - l.unavailable AS units, l.unit_price_minor FROM order_lines l
            WHERE l.order_id = o.id AND o.status IN ({_BEFORE_SHIPMENTS})
            UNION ALL
            SELECT a.quantity, a.unit_price_minor
            FROM shipments s JOIN allocations a ON a.order_id = s.order_id AND a.shipment = s.number
            WHERE s.order_id = o.id AND o.status NOT IN ({_BEFORE_SHIPMENTS})
                AND s.status IN ({sql_list(OPEN)}) AND s.payment_status IN ({_NOT_PAID})
        ) AS parts
    ) AS unpaid
    WHERE o.customer_reference = ANY(CAST(:references AS text[]))
        AND o.own_reference IS NOT NULL AND o.closed_at IS NULL
    GROUP BY o.customer_reference, o.currency
    """  # noqa: S608 - statuses
)


async def lock(tx: Tx, customers: Collection[str]) -> None:
    """Until the transaction ends, these customers place nothing elsewhere."""
    await tx.rows(_LOCK, references=list(customers))


async def standings(tx: Tx, customers: Collection[str]) -> Standings:
    """Of customers that are locked; others could place more meanwhile."""
    found: defaultdict[str, Standing] = defaultdict(Standing)
    for customer, currency, orders, units, minor in await tx.rows(_STANDINGS, references=list(customers)):
        standing = found[customer]
        standing.open_orders += orders
        standing.unpaid_units += int(units)
        standing.unpaid_minor[currency] = int(minor)
    return found
