"""Figures that are not what the events say."""

from typing import Final

from tests.tools.check.plants.plant import plant

_COUNTED: Final = """
    INSERT INTO figures_progress (id, transaction, known_from, known_until)
    SELECT 1, {upto}, now(), now() FROM order_events
"""

PLANTS: Final = (
    plant("links", "events that were not counted", _COUNTED.format(upto="max(transaction)"), "Figures are"),
    plant(
        "links",
        "an order that was counted before it was placed",
        "INSERT INTO figures (measure, slot, key, amount) VALUES ('PLACED', now(), '', 1)",
        "Figures are",
    ),
)
