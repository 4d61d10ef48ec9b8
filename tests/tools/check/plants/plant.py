"""What a planted violation is."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Plant:
    """One change of the data, the rule that it breaks, and the checks that report it."""

    rule: str
    change: str
    sql: str
    reported: tuple[str, ...]


def plant(rule: str, change: str, sql: str, *reported: str) -> Plant:
    return Plant(rule, change, sql, reported)


AGAIN: Final = """
    INSERT INTO order_events (order_id, seq, at, type, actor, subject, data, transaction)
    SELECT order_id, seq + 1, at, '{event}', 'billing', 'shipment/1', '{data}', transaction
    FROM order_events WHERE order_id = $booked ORDER BY seq DESC LIMIT 1;
    UPDATE orders SET last_seq = last_seq + 1 WHERE id = $booked
"""
"""One more event at the end of the booked order's events."""

RELEASED: Final = "order_id = $refunded AND type = 'BookingReleased'"
"""An event on which nothing else depends."""
