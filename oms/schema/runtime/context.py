"""What every resolver is given: who asks, the database, and where live changes come from."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from strawberry.types import Info as AnyInfo

from oms.domain.access.permissions import Viewer
from oms.domain.batched_commands import BatchedCommands
from oms.domain.idempotency.keys import IdempotencyKey
from oms.domain.identity.sessions import SessionRules
from oms.domain.order_queries.event_log import ShipmentChange
from oms.domain.vocabulary.errors import Refused
from oms.platform.db import Database
from oms.schema.runtime.reads import Reads


class Live(Protocol):
    """Doorbells: they say that something changed, never what. Spurious ones are allowed, missed ones are not.

    Whoever listens closes the generator when done.
    """

    def order(self, order_id: UUID) -> AsyncGenerator[None, None]:
        """Yields once at once, then after every change of the order or its shipments; close ones merge."""
        ...

    def shipments(self) -> AsyncGenerator[ShipmentChange, None]:
        """Yields for every change of any shipment, at least once."""
        ...

    def fraud_settings(self) -> AsyncGenerator[None, None]:
        """Yields once at once, then after every change."""
        ...


def _unheard(_viewer: Viewer, _refusal: Refused) -> None:
    """For those who do not record what is refused."""


async def _uncounted(_viewer: Viewer) -> None:
    """For those who let passwords be tried at will."""


async def _free(_viewer: Viewer, _cost: int) -> None:
    """For those who let operations cost what they do."""


@dataclass(slots=True)
class Context:
    """Belongs to one operation. `currency` is the catalogue's default, ISO 4217.

    `on_refusal` hears who was refused what. `before_password` is asked before anybody's password is looked at, and
    raises GraphQLError(RATE_LIMITED) at who has tried too many; so does `before_execution`, which is told what the
    operation costs, at who has spent too much.
    `repeat` comes from the Idempotency-Key header of a mutation with one root field. In a `demo` anybody may ask for
    the schema itself. `breached` is the file of passwords that nobody may choose.
    """

    db: Database
    batched: BatchedCommands
    default_payment_method: str
    viewer: Viewer
    live: Live
    currency: str
    session_rules: SessionRules
    repeat: IdempotencyKey | None = None
    demo: bool = False
    breached: Path | None = None
    on_refusal: Callable[[Viewer, Refused], None] = _unheard
    before_password: Callable[[Viewer], Awaitable[None]] = _uncounted
    before_execution: Callable[[Viewer, int], Awaitable[None]] = _free
    reads: Reads = field(init=False)

    def __post_init__(self) -> None:
        self.reads = self.fresh_reads()

    def fresh_reads(self) -> Reads:
        """For what is told after a change."""
        return Reads(self.db, self.viewer)


Info = AnyInfo[Context, Any]
