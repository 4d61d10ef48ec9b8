"""What must be true in the end: everything acknowledged exists, nothing else does, and `check` passes."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import asyncpg
import orjson

from oms.domain.vocabulary import ids
from oms.platform.settings import PROJECT_DIR
from tests.system.faults.caller import Action, Ledger
from tests.system.faults.deployment import Deployment

_ORDERS: Final = """
    SELECT o.id, coalesce(o.own_reference, o.reference) AS reference, c.reference AS customer,
           o.payment_method, o.shipping_address,
           (SELECT json_agg(json_build_array(sku, quantity, unit_price_minor) ORDER BY number)
            FROM order_lines WHERE order_id = o.id) AS lines
    FROM orders o JOIN customers c ON c.id = o.customer_id
"""
_EVENTS: Final = """
    SELECT e.order_id, e.subject, e.type, e.data ->> 'queue' AS queue,
           CASE e.actor_role WHEN 'CUSTOMER' THEN c.reference ELSE e.actor END AS actor -- events name no customer
    FROM order_events e JOIN orders o ON o.id = e.order_id JOIN customers c ON c.id = o.customer_id
    WHERE e.actor_role IS NOT NULL AND e.type IN (
        'OrderPlaced', 'AmendmentAccepted', 'OrderCancelled', 'ShipmentDispatched', 'ShipmentDelivered',
        'ShipmentFailed', 'WorkRetried')
"""
_SETTINGS_EVENTS: Final = "SELECT type, actor, after FROM fraud_events"
_UNFINISHED: Final = """
    SELECT (SELECT count(*) FROM orders WHERE closed_at IS NULL) AS orders, (SELECT count(*) FROM work) AS work
"""
_STUCK: Final = """
    SELECT o.reference, o.status, w.queue, w.step, w.attempt, w.due_at, w.leased_until, w.last_error
    FROM orders o LEFT JOIN work w ON w.subject_id = o.id
    WHERE o.closed_at IS NULL OR w.queue IS NOT NULL ORDER BY w.attempt DESC NULLS LAST, w.due_at, o.id LIMIT 10
"""


async def unfinished(deployment: Deployment) -> tuple[int, int]:
    """How many orders are not final, and how many items of work are left."""
    connection = await asyncpg.connect(deployment.database_url)
    try:
        row = await connection.fetchrow(_UNFINISHED)
        assert row
        return row["orders"], row["work"]
    finally:
        await connection.close()


async def stuck(deployment: Deployment) -> list[str]:
    connection = await asyncpg.connect(deployment.database_url)
    try:
        return [str(dict(row)) for row in await connection.fetch(_STUCK)]
    finally:
        await connection.close()


async def violations(deployment: Deployment, ledger: Ledger, prices: Mapping[str, int]) -> list[str]:
    """Everything that differs from what callers were answered."""
    connection = await asyncpg.connect(deployment.database_url)
    try:
        found = {row["reference"]: row for row in await connection.fetch(_ORDERS)}
        recorded = Counter(_action(row) for row in await connection.fetch(_EVENTS))
        recorded += Counter(_settings_action(row) for row in await connection.fetch(_SETTINGS_EVENTS))
    finally:
        await connection.close()
    return [
        *_wrong_orders(found, ledger, prices),
        *_wrong_actions(recorded, ledger.acknowledged),
        *(await deployment.in_thread(lambda: _check(deployment))),
    ]


def _wrong_orders(found: Mapping[str, Any], ledger: Ledger, prices: Mapping[str, int]) -> Iterator[str]:
    for reference, (order_id, order) in ledger.orders.items():
        row = found.get(reference)
        if row is None:
            yield f"{reference} was acknowledged and is gone"
        elif (content := _content(row)) != (expected := _expected(order_id, order, prices)):
            yield f"{reference} is {content} and not {expected}"
    for reference in found.keys() - ledger.orders.keys():
        yield f"{reference} exists and was never acknowledged"


def _content(row: Any) -> dict[str, Any]:
    address = orjson.loads(row["shipping_address"]) if row["shipping_address"] else None
    return {
        "id": ids.order_id(row["id"]),
        "customer": row["customer"],
        "payment method": row["payment_method"],
        "address": {name: value for name, value in address.items() if value is not None} if address else None,
        "lines": orjson.loads(row["lines"]),
    }


def _expected(order_id: str, order: Mapping[str, Any], prices: Mapping[str, int]) -> dict[str, Any]:
    own = order["reference"].split("-")[0]  # customers' references begin with their names
    return {
        "id": order_id,
        "customer": order.get("customerReference", own),
        "payment method": order.get("paymentMethod", "sandbox-ok"),
        "address": order.get("shippingAddress"),
        "lines": [
            [line["sku"], line["quantity"], line.get("unitPrice", prices[line["sku"]])] for line in order["lines"]
        ],
    }


def _action(row: Any) -> Action:
    order_id, event = row["order_id"], row["type"]
    number = int(row["subject"].rpartition("/")[2] or 0)
    if event == "WorkRetried":
        subject = ids.work_id(order_id, number, row["queue"])
    elif number == 0:
        subject = ids.order_id(order_id)
    else:
        subject = ids.shipment_id(order_id, number)
    return Action(event, row["actor"], subject)


def _settings_action(row: Any) -> Action:
    after = orjson.loads(row["after"])
    subject = str(after.get("limit", after.get("maintenance", "")))
    return Action(row["type"], row["actor"], subject)


def _wrong_actions(recorded: Counter[Action], acknowledged: Counter[Action]) -> Iterator[str]:
    for action in acknowledged - recorded:
        yield f"{action} was acknowledged and is not recorded"
    for action in recorded - acknowledged:
        yield f"{action} is recorded and was never acknowledged, or is recorded twice"


def _check(deployment: Deployment) -> list[str]:
    """`python -m oms check`, with the sandbox's log as evidence."""
    environment = deployment.environment | {"OMS_DATABASE_URL": deployment.database_url}
    ended = subprocess.run(
        [sys.executable, "-m", "oms", "check"],
        cwd=PROJECT_DIR, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return [] if ended.returncode == 0 else [f"check ends with {ended.returncode}:\n{ended.stdout}{ended.stderr}"]
