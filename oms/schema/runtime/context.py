"""What every resolver gets: the viewer, the database, and notifications of changes."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar
from uuid import UUID

from oms.domain.access.permissions import Viewer
from oms.domain.allocation.rules import HOLD_ALL, HoldLimit
from oms.domain.approvals.rules import ALONE, SecondPerson
from oms.domain.batched_commands import BatchedCommands
from oms.domain.idempotency.keys import IdempotencyKey
from oms.domain.identity.sessions import SessionRules
from oms.domain.order_queries.event_log import ShipmentChange
from oms.domain.placing.limits import NO_LIMITS, PlacingLimits
from oms.domain.shop_settings.current import CurrentShop
from oms.domain.shop_settings.model import Providers
from oms.domain.vocabulary.errors import Refused
from oms.platform.db import Database
from oms.platform.faults.outages import RETRY_AFTER_S, through_outages
from oms.providers.ports import QuotingSystem
from oms.schema.compiled.selection import Selection
from oms.schema.runtime.reading.reads import Reads

T = TypeVar("T")


class Live(Protocol):
    """Notifications that something changed, without saying what. Some may be spurious, none may be missing.

    The caller closes the generator.
    """

    def order(self, order_id: UUID) -> AsyncGenerator[None, None]:
        """Yields at once, then after every change of the order or its shipments; close changes are merged."""
        ...

    def shipments(self) -> AsyncGenerator[ShipmentChange, None]:
        """Yields every change of any shipment, at least once."""
        ...

    def fraud_settings(self) -> AsyncGenerator[None, None]:
        """Yields at once, then after every change."""
        ...


def _ignore_refusal(_viewer: Viewer, _refusal: Refused) -> None: ...


def _ignore_read(_viewer: Viewer, _order: UUID) -> None: ...


async def _unlimited_passwords(_viewer: Viewer) -> None: ...


async def _unlimited_failures(_viewer: Viewer) -> None: ...


async def _unlimited_orders(_viewer: Viewer, _orders: int) -> None: ...


async def _unlimited_cost(_viewer: Viewer, _cost: int) -> None: ...


@dataclass(slots=True)
class Context:
    """Belongs to one operation. `shop`: its settings, as this process knows them. `providers`: payment and courier.

    `on_refusal` receives every refusal, `on_personal_read` every order whose shipping address is read.
    Before a password is checked, `before_password` is called; before a customer's
    own orders are placed, `before_placing` with their number; before a courier's report of a failure, `before_failing`;
    and `before_execution` with the cost of the operation. They raise GraphQLError(RATE_LIMITED) over a limit.
    `quotes` tells prices. `placing_limits`: of what customers order. `hold`: what amended orders keep.
    `second_person`: what staff may not do alone. `delivery_attempts`: of a shipment, at most.
    `repeat`: the Idempotency-Key header of a mutation with one root field. `demo`: everybody may read the schema.
    `breached`: the file of passwords that nobody may choose. `compiled_queries`: whether plans are used.
    """

    db: Database
    batched: BatchedCommands
    default_payment_method: str
    viewer: Viewer
    live: Live
    shop: CurrentShop
    providers: Providers
    session_rules: SessionRules
    quotes: QuotingSystem
    repeat: IdempotencyKey | None = None
    demo: bool = False
    breached: Path | None = None
    compiled_queries: bool = True
    placing_limits: PlacingLimits = NO_LIMITS
    hold: HoldLimit = HOLD_ALL
    second_person: SecondPerson = ALONE
    delivery_attempts: int = 3
    on_refusal: Callable[[Viewer, Refused], None] = _ignore_refusal
    on_personal_read: Callable[[Viewer, UUID], None] = _ignore_read
    before_password: Callable[[Viewer], Awaitable[None]] = _unlimited_passwords
    before_placing: Callable[[Viewer, int], Awaitable[None]] = _unlimited_orders
    before_failing: Callable[[Viewer], Awaitable[None]] = _unlimited_failures
    before_execution: Callable[[Viewer, int], Awaitable[None]] = _unlimited_cost
    was_interrupted: bool = False
    """Whether an outage broke off a field of this operation."""

    reads: Reads = field(init=False)

    def __post_init__(self) -> None:
        self.reads = self.fresh_reads()

    @property
    def currency(self) -> str:
        """The default of the catalogue, ISO 4217."""
        return self.shop.now.currency

    def fresh_reads(self) -> Reads:
        """For results after a change."""
        return Reads(self.db, self.viewer, self.on_personal_read)

    async def resent(self, read: Callable[[], Awaitable[T]]) -> AsyncGenerator[T, None]:
        """What `read` returns, once the database answers; read and yielded again if an outage broke off its fields.

        So results of subscriptions come late, and none is missing.
        """
        async for _ in self.until_whole():
            yield await through_outages(read)

    async def until_whole(self) -> AsyncGenerator[None, None]:
        """Yields once, and again if an outage broke off fields of what was sent, so that the caller got errors."""
        while True:
            self.was_interrupted = False
            yield
            if not self.was_interrupted:
                return
            await asyncio.sleep(RETRY_AFTER_S)


class Info(Protocol):
    """What a resolver may ask about the operation and its own field, whichever way it is executed."""

    @property
    def context(self) -> Context: ...

    @property
    def variable_values(self) -> Mapping[str, Any]: ...

    @property
    def field_name(self) -> str: ...

    @property
    def selection(self) -> Selection:
        """What is selected below the field."""
        ...
