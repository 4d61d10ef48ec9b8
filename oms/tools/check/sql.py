"""Small pieces that several checks are written with."""

from collections.abc import Iterable
from typing import Final

FINAL_ORDER: Final = "('COMPLETED', 'FAILED', 'CANCELLED', 'TIMED_OUT')"
FINAL_SHIPMENT: Final = "('DELIVERED', 'FAILED', 'CANCELLED')"
ENDED_SHIPMENT: Final = "('FAILED', 'CANCELLED')"
OPEN_SHIPMENT: Final = "('PENDING', 'BOOKED')"
"""Their units still stand in the warehouse (domain.md, "Terms")."""
MONEY_TAKEN: Final = "('SUCCEEDED', 'PARTIALLY_REFUNDED', 'REFUNDED')"

TOTAL_MINOR: Final = "(s.subtotal_minor - s.discount_minor + s.tax_minor + s.shipping_minor)"
"""An invoice's total, of a shipment that is called s."""


def order_id(column: str) -> str:
    """The id that the API gives an order."""
    return f"'ord_' || replace({column}::text, '-', '')"


def shipment_id(order: str, number: str) -> str:
    return f"'shp_' || replace({order}::text, '-', '') || '_' || {number}"


def line_id(order: str, number: str) -> str:
    return f"'lin_' || replace({order}::text, '-', '') || '_' || {number}"


def work_id(work: str) -> str:
    return f"'wrk_' || replace({work}.order_id::text, '-', '') || '_' || {work}.shipment || '_' || {work}.queue"


def event_id(event: str) -> str:
    """An order's id and the number of the event in it."""
    return f"{order_id(f'{event}.order_id')} || ' event ' || {event}.seq"


def texts(values: Iterable[str]) -> str:
    """A list for IN; the values are this program's own words."""
    return "(" + ", ".join(f"'{value}'" for value in values) + ")"


def rows(values: Iterable[Iterable[str]]) -> str:
    """What stands behind VALUES; the values are this program's own words."""
    return ", ".join(texts(row) for row in values)
