"""Pieces of SQL that several checks share."""

from collections.abc import Iterable
from typing import Final

FINAL_ORDER: Final = "('COMPLETED', 'FAILED', 'CANCELLED', 'TIMED_OUT')"
FINAL_SHIPMENT: Final = "('DELIVERED', 'FAILED', 'CANCELLED')"
ENDED_SHIPMENT: Final = "('FAILED', 'CANCELLED')"
OPEN_SHIPMENT: Final = "('PENDING', 'BOOKED')"
"""Statuses in which the units are still in the warehouse."""
MONEY_TAKEN: Final = "('SUCCEEDED', 'PARTIALLY_REFUNDED', 'REFUNDED')"

TOTAL_MINOR: Final = "(s.subtotal_minor - s.discount_minor + s.tax_minor + s.shipping_minor)"
"""An invoice's total, of a shipment with the alias s."""


def order_id(column: str) -> str:
    """An order's id in the API."""
    return f"'ord_' || replace({column}::text, '-', '')"


def shipment_id(order: str, number: str) -> str:
    return f"'shp_' || replace({order}::text, '-', '') || '_' || {number}"


def line_id(order: str, number: str) -> str:
    return f"'lin_' || replace({order}::text, '-', '') || '_' || {number}"


def note_id(note: str) -> str:
    """The id in the API of a note with this alias."""
    return f"'nte_' || replace({note}.order_id::text, '-', '') || '_' || {note}.number"


def subject_id(order: str, subject: str) -> str:
    """The id in the API of an event's subject: of the order itself, or of its part, such as `shipment/2`."""
    return (
        f"CASE WHEN {subject} = '' THEN {order_id(order)} WHEN {subject} LIKE 'shipment/%'"
        f" THEN {shipment_id(order, number_of(subject))} ELSE {order_id(order)} || ' ' || {subject} END"
    )


def shipment_subject(shipment: str) -> str:
    """What events of a shipment have as their subject."""
    return f"'shipment/' || {shipment}.number"


def number_of(subject: str) -> str:
    """The number of the part that a subject names, as text; empty for the order itself."""
    return f"split_part({subject}, '/', 2)"


def work_id(work: str) -> str:
    return f"'wrk_' || replace({work}.subject_id::text, '-', '') || '_' || {work}.part || '_' || {work}.queue"


def event_id(event: str) -> str:
    """An order's id and the event's number."""
    return f"{order_id(f'{event}.order_id')} || ' event ' || {event}.seq"


def texts(values: Iterable[str]) -> str:
    """A list for IN. The values are constants of the checker."""
    return "(" + ", ".join(f"'{value}'" for value in values) + ")"


def rows(values: Iterable[Iterable[str]]) -> str:
    """Rows for VALUES. The values are constants of the checker."""
    return ", ".join(texts(row) for row in values)
