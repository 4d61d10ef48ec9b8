"""What must be true in the end: what was acknowledged is there, what is there was asked for, the books are straight."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import asyncpg
import orjson

from oms.domain.vocabulary import ids
from oms.platform.settings import PROJECT_DIR
from tests.system.faults.asking import CourierAction, Ledger
from tests.system.faults.processes import Shop

_ORDERS: Final = """
    SELECT o.id, o.reference, c.reference AS customer, o.payment_method, o.shipping_address,
           (SELECT json_agg(json_build_array(sku, quantity, unit_price_minor) ORDER BY number)
            FROM order_lines WHERE order_id = o.id) AS lines
    FROM orders o JOIN customers c ON c.id = o.customer_id
"""
_TRAIL: Final = """
    SELECT e.order_id, e.subject, e.type, e.data ->> 'queue' AS queue,
           CASE e.actor_role WHEN 'CUSTOMER' THEN c.reference ELSE e.actor END AS actor -- trails name no customer
    FROM order_events e JOIN orders o ON o.id = e.order_id JOIN customers c ON c.id = o.customer_id
    WHERE e.actor_role IS NOT NULL AND e.type IN (
        'OrderPlaced', 'AmendmentAccepted', 'OrderCancelled', 'ShipmentDispatched', 'ShipmentDelivered',
        'ShipmentFailed', 'WorkRetried')
"""
_SETTINGS_TRAIL: Final = "SELECT type, actor, after FROM fraud_events"
_UNFINISHED: Final = """
    SELECT (SELECT count(*) FROM orders WHERE closed_at IS NULL) AS orders,
           (SELECT count(*) FROM work) AS work,
           (SELECT count(*) FROM work WHERE parked_at IS NOT NULL) AS parked
"""
_STUCK: Final = """
    SELECT o.reference, o.status, w.queue, w.step, w.attempt, w.due_at, w.leased_until, w.last_error
    FROM orders o LEFT JOIN work w ON w.subject_id = o.id
    WHERE o.closed_at IS NULL OR w.queue IS NOT NULL ORDER BY w.attempt DESC NULLS LAST, w.due_at, o.id LIMIT 10
"""


async def unfinished(shop: Shop) -> tuple[int, int]:
    """How many orders are not final, and how many items of work are left."""
    connection = await asyncpg.connect(shop.database_url)
    try:
        row = await connection.fetchrow(_UNFINISHED)
        assert row
        return row["orders"], row["work"]
    finally:
        await connection.close()


async def stuck(shop: Shop) -> list[str]:
    connection = await asyncpg.connect(shop.database_url)
    try:
        return [str(dict(row)) for row in await connection.fetch(_STUCK)]
    finally:
        await connection.close()


async def reckon(shop: Shop, ledger: Ledger, prices: Mapping[str, int]) -> list[str]:
    """Everything that is not as it was told."""
    connection = await asyncpg.connect(shop.database_url)
    try:
        there = {row["reference"]: row for row in await connection.fetch(_ORDERS)}
        trail = Counter(_deed(row) for row in await connection.fetch(_TRAIL))
        trail += Counter(_settings_deed(row) for row in await connection.fetch(_SETTINGS_TRAIL))
    finally:
        await connection.close()
    return [*_orders(there, ledger, prices), *_deeds(trail, ledger.done), *(await shop.apart(lambda: _check(shop)))]


def _orders(there: Mapping[str, Any], ledger: Ledger, prices: Mapping[str, int]) -> Iterator[str]:
    for reference, (order_id, asked) in ledger.orders.items():
        row = there.get(reference)
        if row is None:
            yield f"{reference} was acknowledged and is gone"
        elif (found := _content(row)) != (wanted := _wanted(order_id, asked, prices)):
            yield f"{reference} is {found} and not {wanted}"
    for reference in there.keys() - ledger.orders.keys():
        yield f"{reference} is there, and nobody was told so"


def _content(row: Any) -> dict[str, Any]:
    address = orjson.loads(row["shipping_address"]) if row["shipping_address"] else None
    return {
        "id": ids.order_id(row["id"]),
        "customer": row["customer"],
        "payment method": row["payment_method"],
        "address": {name: value for name, value in address.items() if value is not None} if address else None,
        "lines": orjson.loads(row["lines"]),
    }


def _wanted(order_id: str, asked: Mapping[str, Any], prices: Mapping[str, int]) -> dict[str, Any]:
    own = asked["reference"].split("-")[0]  # customers' references begin with their names
    return {
        "id": order_id,
        "customer": asked.get("customerReference", own),
        "payment method": asked.get("paymentMethod", "sandbox-ok"),
        "address": asked.get("shippingAddress"),
        "lines": [
            [line["sku"], line["quantity"], line.get("unitPrice", prices[line["sku"]])] for line in asked["lines"]
        ],
    }


def _deed(row: Any) -> CourierAction:
    order_id, event = row["order_id"], row["type"]
    number = int(row["subject"].rpartition("/")[2] or 0)
    if event == "WorkRetried":
        subject = ids.work_id(order_id, number, row["queue"])
    elif number == 0:
        subject = ids.order_id(order_id)
    else:
        subject = ids.shipment_id(order_id, number)
    return CourierAction(event, row["actor"], subject)


def _settings_deed(row: Any) -> CourierAction:
    after = orjson.loads(row["after"])
    subject = str(after.get("limit", after.get("maintenance", "")))
    return CourierAction(row["type"], row["actor"], subject)


def _deeds(trail: Counter[CourierAction], told: Counter[CourierAction]) -> Iterator[str]:
    for deed in told - trail:
        yield f"{deed} was acknowledged and is not in the trail"
    for deed in trail - told:
        yield f"{deed} is in the trail and was never acknowledged, or came twice"


def _check(shop: Shop) -> list[str]:
    """`python -m oms check`, with the providers' books as evidence."""
    environment = shop.environment | {"OMS_DATABASE_URL": shop.database_url}
    ended = subprocess.run(
        [sys.executable, "-m", "oms", "check"],
        cwd=PROJECT_DIR, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return [] if ended.returncode == 0 else [f"check ends with {ended.returncode}:\n{ended.stdout}{ended.stderr}"]
