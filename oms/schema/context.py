"""What every resolver is given: who asks, the database, and where live changes come from."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from oms.db import Database
from oms.domain.access.model import Viewer
from oms.domain.repeats.handle import RepeatKey


@dataclass(frozen=True, slots=True)
class ShipmentChange:
    """That a shipment changed, with every status it had before or has after; what it is now must be read anew."""

    order_id: UUID
    number: int
    statuses: frozenset[str]


class Live(Protocol):
    """Doorbells: they say that something changed, never what. Spurious ones are allowed, missed ones are not."""

    def order(self, order_id: UUID) -> AsyncIterator[None]:
        """Yields once at once, then after every change of the order or its shipments; close ones merge."""
        ...

    def shipments(self) -> AsyncIterator[ShipmentChange]:
        """Yields for every change of any shipment, at least once."""
        ...

    def fraud_settings(self) -> AsyncIterator[None]:
        """Yields once at once, then after every change."""
        ...


@dataclass(slots=True)
class Context:
    """Belongs to one operation. `currency` is the catalogue's default, ISO 4217.

    `repeat` comes from the Idempotency-Key header of a mutation with one root field.
    """

    db: Database
    viewer: Viewer
    live: Live
    currency: str
    repeat: RepeatKey | None = None
