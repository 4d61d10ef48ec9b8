"""Fraud control: its settings, their trail, and what managers do with them."""

from collections.abc import Awaitable, Callable
from typing import Any, Self

import strawberry

from oms.domain.fraud import commands, model, queries
from oms.platform.db import Tx
from oms.schema.runtime.commands import carry_out
from oms.schema.runtime.connections import PAGE, Connection, connection, size
from oms.schema.runtime.context import Info
from oms.schema.runtime.enums import Role
from oms.schema.runtime.errors import UserError
from oms.schema.runtime.fields import field, mutation
from oms.schema.runtime.scalars import Instant, MinorUnits


@strawberry.type
class FraudSettings:
    """What holds now."""

    spending_limit: MinorUnits = strawberry.field(
        description="The cumulative charges allowed to each customer, in minor units, per currency. 0: no limit."
    )
    maintenance_mode: bool = strawberry.field(description="While true no new charge is made, whatever its amount.")
    updated_at: Instant

    @classmethod
    def of(cls, settings: model.FraudSettings) -> Self:
        return cls(
            spending_limit=MinorUnits(settings.limit_minor),
            maintenance_mode=settings.maintenance,
            updated_at=Instant(settings.updated_at),
        )


@strawberry.type
class FraudEvent:
    """One change of the settings."""

    at: Instant
    type: str = strawberry.field(description="SpendingLimitSet, MaintenanceSwitched or SpendingCleared.")
    actor: str
    actor_role: Role | None
    reason: str | None
    before: str = strawberry.field(description="The old value.")
    after: str = strawberry.field(description="The new value.")

    @classmethod
    def of(cls, event: queries.SettingsEvent) -> Self:
        return cls(
            at=Instant(event.at),
            type=str(event.type),
            actor=event.by.name,
            actor_role=event.by.role,
            reason=event.reason,
            before=_value(event.before),
            after=_value(event.after),
        )


def _value(change: dict[str, Any]) -> str:
    """A trail's entry names one thing; what it was is told as text."""
    return ", ".join(str(value).lower() for value in change.values())


@strawberry.type
class FraudQueries:
    """Reading the settings."""

    @field("For managers and support.")
    async def fraud_settings(self, info: Info) -> FraudSettings | None:
        return FraudSettings.of(await queries.settings(info.context.db, info.context.viewer))

    @field("Every change of the fraud settings, newest first. For managers and support.")
    async def fraud_events(
        self, info: Info, first: int | None = PAGE, after: str | None = None
    ) -> Connection[FraudEvent]:
        page = await queries.settings_log(info.context.db, info.context.viewer, first=size(first), after=after)
        return connection(page, after=after, cursor=lambda event: event.cursor, node=FraudEvent.of)


@strawberry.type
class FraudSettingsPayload:
    """The settings as they now are, or why nothing was done."""

    done: strawberry.Private[bool]
    user_errors: list[UserError]

    @strawberry.field
    async def fraud_settings(self, info: Info) -> FraudSettings | None:
        context = info.context
        return FraudSettings.of(await queries.settings(context.db, context.viewer)) if self.done else None


async def _carry_out(info: Info, act: Callable[[Tx], Awaitable[None]]) -> FraudSettingsPayload:
    done, errors = await carry_out(info, _done(act))
    return FraudSettingsPayload(done=done is not None, user_errors=errors)


def _done(act: Callable[[Tx], Awaitable[None]]) -> Callable[[Tx], Awaitable[bool]]:
    """The settings are one: that it was done is all there is to remember."""

    async def act_and_say(tx: Tx) -> bool:
        await act(tx)
        return True

    return act_and_say


@strawberry.type
class FraudMutations:
    """What managers do with fraud control."""

    @mutation("In minor units; 0 removes the limit.")
    async def set_spending_limit(self, info: Info, limit: MinorUnits) -> FraudSettingsPayload:
        return await _carry_out(info, lambda tx: commands.set_spending_limit(tx, info.context.viewer, limit))

    @strawberry.mutation
    async def set_fraud_maintenance(self, info: Info, enabled: bool) -> FraudSettingsPayload:
        return await _carry_out(info, lambda tx: commands.set_maintenance(tx, info.context.viewer, enabled=enabled))

    @mutation("No limit and no maintenance; cumulative charges are kept.")
    async def reset_fraud_settings(self, info: Info) -> FraudSettingsPayload:
        return await _carry_out(info, lambda tx: commands.reset(tx, info.context.viewer))

    @mutation("Every customer's cumulative charges start again from zero.")
    async def clear_spending(self, info: Info, reason: str) -> FraudSettingsPayload:
        return await _carry_out(info, lambda tx: commands.clear_spending(tx, info.context.viewer, reason))
