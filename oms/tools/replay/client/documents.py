"""The GraphQL documents that the replay sends."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

MAX_ROOT_FIELDS = 25
"""Maximum of root fields in a batched document."""

PAGE_SIZE = 100

UPSERT_WAREHOUSES: Final = """
mutation Warehouses($inputs: [WarehouseInput!]!) {
  answer: upsertWarehouses(inputs: $inputs) { changed userErrors { code message path } }
}"""

UPSERT_PRODUCTS: Final = """
mutation Products($inputs: [ProductInput!]!) {
  answer: upsertProducts(inputs: $inputs) { changed userErrors { code message path } }
}"""

SET_STOCK: Final = """
mutation Stock($inputs: [StockInput!]!) {
  answer: setStock(inputs: $inputs) { changed userErrors { code message path } }
}"""

NEWEST_ORDER: Final = "query Newest { orders(first: 1) { nodes { placedAt } } }"

PLACE_ORDER: Final = """
mutation Place($input: PlaceOrderInput!) {
  result: placeOrder(input: $input) { order { id placedAt } userErrors { code message path } }
}"""

PLACE_ORDERS: Final = """
mutation PlaceMany($inputs: [PlaceOrderInput!]!) {
  answer: placeOrders(inputs: $inputs) {
    results { order { id placedAt } userErrors { code message path } }
    userErrors { code message path }
  }
}"""

ACCEPT: Final = """
mutation Accept($orderId: ID!) {
  answer: acceptAmendedOrder(orderId: $orderId) { order { id status } userErrors { code message } }
}"""

CANCEL: Final = """
mutation Cancel($orderId: ID!, $reason: String) {
  answer: cancelOrder(orderId: $orderId, reason: $reason) { order { id status } userErrors { code message } }
}"""

AMENDED_ORDERS: Final = f"""
query Amended($after: String) {{
  orders(first: {PAGE_SIZE}, after: $after, filter: {{status: [CUSTOMER_ACTION_REQUIRED]}}) {{
    nodes {{ id actionDeadline viewerCanAcceptAmendment }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""

OPEN_SHIPMENTS: Final = f"""
query OnTheirWay($after: String) {{
  shipments(first: {PAGE_SIZE}, after: $after, filter: {{status: [BOOKED, DISPATCHED]}}) {{
    nodes {{ id status warehouse {{ code }} order {{ id }} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""

_SHIPMENT_ANSWER: Final = "{ shipment { status order { id status } } userErrors { code message } }"


@cache
def dispatch_shipments(count: int) -> str:
    """One mutation that dispatches `count` shipments, $s0 … as s0 …"""
    return _batch("mutation Dispatch", count, "dispatchShipment(shipmentId: {})", _SHIPMENT_ANSWER)


@cache
def deliver_shipments(count: int) -> str:
    """One mutation that delivers `count` shipments, $s0 … as s0 …"""
    return _batch("mutation Deliver", count, "deliverShipment(shipmentId: {})", _SHIPMENT_ANSWER)


FAIL_SHIPMENT: Final = f"""
mutation Fail($shipmentId: ID!, $reason: String!) {{
  answer: failShipment(shipmentId: $shipmentId, reason: $reason) {_SHIPMENT_ANSWER}
}}"""


@cache
def order_statuses(count: int) -> str:
    """The statuses of `count` orders."""
    return _batch("query Statuses", count, "order(id: {})", "{ id status }")


@cache
def closed_orders(count: int) -> str:
    """What the report needs of `count` orders."""
    selection = "{ id status placedAt lines { unavailableQuantity } shipments { status bookedAt } }"
    return _batch("query Closed", count, "order(id: {})", selection)


@cache
def stock_levels(count: int) -> str:
    """The stock of `count` SKUs in all warehouses."""
    selection = "{ sku warehouse { code } onHand }"
    return _batch("query Stock", count, "stock(sku: {})", selection, kind="String!")


def subjects(values: Sequence[str]) -> dict[str, Any]:
    """The variables of a batched document: value n is $sn."""
    return {f"s{place}": value for place, value in enumerate(values)}


def _batch(operation: str, count: int, field: str, selection: str, kind: str = "ID!") -> str:
    variables = ", ".join(f"$s{place}: {kind}" for place in range(count))
    fields = "\n".join(f"  s{place}: {field.format(f'$s{place}')} {selection}" for place in range(count))
    return f"{operation}({variables}) {{\n{fields}\n}}"
