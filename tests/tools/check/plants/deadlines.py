"""Violations of rule 7."""

from typing import Final

from tests.tools.check.plants.plant import plant

PLANTS: Final = (
    plant(
        "7",
        "a deadline was moved",
        """
        UPDATE orders SET action_deadline = action_deadline + interval '1 h' WHERE id = $waiting;
        UPDATE work SET due_at = due_at + interval '1 h' WHERE subject_id = $waiting
        """,
        "A waiting order's deadline",
    ),
    plant(
        "7",
        "timed out early",
        """
        UPDATE order_events SET data = data || '{"deadline": "2100-01-01T00:00:00+00:00"}'
        WHERE order_id = $timed_out AND type = 'ItemsUnavailable'
        """,
        "An order times out",
    ),
    plant(
        "7",
        "accepted too late",
        """
        UPDATE order_events SET data = data || '{"deadline": "2020-01-01T00:00:00+00:00"}'
        WHERE order_id = $accepted AND type = 'ItemsUnavailable'
        """,
        "An amended order is accepted",
    ),
)
