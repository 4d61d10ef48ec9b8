"""A note on an order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from oms.domain.vocabulary.actor import Actor
from oms.domain.vocabulary.paging import cursor_of

NOTE_LENGTH: Final = 2000
"""Characters."""

NOTES: Final = "order_notes"
"""The topic of changes that a new note announces."""


@dataclass(frozen=True, slots=True)
class Note:
    """Notes of an order are numbered from 1. `text`: None once the order's customer was erased."""

    order_id: UUID
    number: int
    at: datetime
    by: Actor
    text: str | None

    @property
    def cursor(self) -> str:
        return cursor_of(str(self.number))
