"""Violations of rule 6."""

from typing import Final

from tests.tools.check.plants.plant import RELEASED, plant

PLANTS: Final = (
    plant(
        "6",
        "an event that no live reader reaches",
        f"UPDATE order_events SET transaction = transaction + 1000000 WHERE {RELEASED}",
        "No event has a transaction",
    ),
)
