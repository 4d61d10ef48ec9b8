"""The orders of the demo: the first ones, and more whenever somebody looks at a page and none waits for them."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, timedelta
from typing import Any, Final

from sqlalchemy import text

from oms.domain.access.permissions import Viewer
from oms.domain.identity.signing_in.personas import PERSONAS
from oms.domain.order.details import OrderDetails
from oms.domain.placing import commands
from oms.domain.placing.request import LineRequest, OrderRequest
from oms.domain.vocabulary.actor import Role
from oms.platform.db import Database, Tx

LOOK_EVERY_S: Final = 5.0
"""A process counts what waits at most so often."""

TIME_TO_ANSWER: Final = timedelta(seconds=30)
"""An order whose deadline is nearer than this is soon gone."""

MOST_UNDER_WAY: Final = 5
"""While so many orders or shipments wait for a worker or for fraud control, nothing is added."""

_DEMO: Final = Viewer("demo", Role.SERVICE)
_CUSTOMER: Final = PERSONAS["customer"].customer_reference or ""
_HERE: Final = {
    "name": "Demo customer", "line1": "1 Example Street", "city": "Exampletown", "region": "NY", "postalCode": "12345",
    "country": "US",
}  # fmt: skip
_ELSEWHERE: Final = _HERE | {"name": "Another demo customer", "line1": "2 Example Street"}
_SOLD_OUT: Final = "POSTER"


def _order(
    name: str, quantities: Mapping[str, int], *, another: bool = False, payment_method: str = "sandbox-ok"
) -> OrderRequest:
    lines = tuple(LineRequest(sku, quantity) for sku, quantity in quantities.items())
    customer, address = ("demo-neighbour", _ELSEWHERE) if another else (_CUSTOMER, _HERE)
    details = OrderDetails(shipping_address=address)
    return OrderRequest(f"DEMO-{name}", customer, lines, payment_method, details=details)


FIRST: Final = (
    _order("FINE", {"TRAINERS": 1, "COFFEE-1KG": 2}),
    _order("SPLIT", {"BOOK-ATLAS": 1, "LAMP-DESK": 1}),
    _order("DECLINED", {"KETTLE": 1}, payment_method="sandbox-declined"),
    _order("UNAVAILABLE", {_SOLD_OUT: 1}),
    _order("AMENDED", {"MUG-BLUE": 8, "COFFEE-1KG": 1}),
    _order("NEIGHBOUR-FINE", {"COFFEE-1KG": 3}, another=True),
    _order("NEIGHBOUR-SPLIT", {"KETTLE": 1, "LAMP-DESK": 2}, another=True),
)
"""Their names say what happens to them."""

# Each count reads a bounded part of an index of orders or shipments by status.
_WAITING: Final = text(
    """
    SELECT clock_timestamp() AS at,
        EXISTS (SELECT FROM orders WHERE customer_reference = :customer AND status = 'CUSTOMER_ACTION_REQUIRED'
                AND action_deadline > clock_timestamp() + :time_to_answer) AS for_customer,
        EXISTS (SELECT FROM shipments WHERE status = 'BOOKED') AS for_courier,
        (SELECT count(*) FROM (SELECT FROM orders WHERE status = 'PENDING' LIMIT :most) AS o)
        + (SELECT count(*) FROM (SELECT FROM shipments WHERE status = 'PENDING' LIMIT :most) AS s) AS under_way,
        (SELECT coalesce(sum(on_hand - allocated), 0) FROM stock WHERE sku = :sold_out) AS available
    """
)
_VALUES: Final = {
    "customer": _CUSTOMER,
    "time_to_answer": TIME_TO_ANSWER,
    "most": MOST_UNDER_WAY,
    "sold_out": _SOLD_OUT,
}


async def place_first(tx: Tx) -> None:
    """Those that exist are not placed again."""
    await commands.place(tx, [(_DEMO, order) for order in FIRST])


class DemoOrders:
    """Sees to it that in demo mode an order waits for the customer's answer, and a shipment for the courier."""

    def __init__(self, db: Database, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._clock_s = clock_s
        self._looked_s: float | None = None

    async def refill(self) -> None:
        """Places what is missing. Another catalogue than the demo's refuses the orders: then there are none."""
        now_s = self._clock_s()
        if self._looked_s is not None and now_s - self._looked_s < LOOK_EVERY_S:
            return
        self._looked_s = now_s
        async with self._db.reading() as conn:
            waiting = (await conn.execute(_WAITING, _VALUES)).one()
        if new := list(_missing(waiting)):
            async with self._db.transaction() as tx:
                await commands.place(tx, [(_DEMO, order) for order in new])


def _missing(waiting: Any) -> Iterator[OrderRequest]:
    """Named by their minute: however many tabs are open, each is placed once a minute at most."""
    if waiting.under_way >= MOST_UNDER_WAY:
        return
    minute = f"{waiting.at.astimezone(UTC):%y%m%d-%H%M}"
    if not waiting.for_customer:
        yield _order(f"ANSWER-{minute}", {_SOLD_OUT: int(waiting.available) + 1, "COFFEE-1KG": 1})
    if not waiting.for_courier:
        yield _order(f"PARCEL-{minute}", {"COFFEE-1KG": 2})
        yield _order(f"NEIGHBOUR-PARCEL-{minute}", {"COFFEE-1KG": 1}, another=True)
