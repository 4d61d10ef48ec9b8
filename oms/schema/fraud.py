"""Fraud control: its settings, their history, and the commands of managers."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import Annotated, Any, Self

import strawberry

from oms.domain.catalog.queries import currencies
from oms.domain.fraud import commands, model, queries
from oms.domain.fraud.policy import FraudPermission
from oms.platform.db import Tx
from oms.schema.runtime.commands import run_command
from oms.schema.runtime.connections import PAGE, After, Connection, First, connection, size
from oms.schema.runtime.context import Context, Info
from oms.schema.runtime.enums import Role
from oms.schema.runtime.errors import UserError
from oms.schema.runtime.fields import NOTHING_MORE, argument, attribute, field, mutation, object_type, subscription
from oms.schema.runtime.scalars import CurrencyCode, Instant, MinorUnits


@object_type(needs=FraudPermission.READ_FRAUD)
class SpendingLimit:
    """What each customer may spend in one currency."""

    currency: CurrencyCode = attribute("What the limit is in.")
    limit: MinorUnits = attribute("In minor units. 0: no limit.")


@object_type(needs=FraudPermission.READ_FRAUD)
class FraudSettings:
    """What fraud control allows at the moment."""

    settings: strawberry.Private[model.FraudSettings]
    spending_limit: MinorUnits = attribute(
        "The cumulative charges allowed to each customer, in minor units, per currency. 0: no limit."
    )
    maintenance_mode: bool = attribute("While true no new charge is made, whatever its amount.")
    updated_at: Instant = attribute("When a setting last changed.")

    @field(
        "spendingLimit is the one of the default currency. Here are those of all currencies: of the prices in the"
        " catalogue, and of each other currency that has a limit. A currency without a limit of its own has none.",
        needs=FraudPermission.READ_FRAUD,
    )
    async def spending_limits(self, info: Info) -> list[SpendingLimit]:
        limits = self.settings.limits_with([info.context.currency, *await currencies(info.context.db)])
        return [SpendingLimit(currency=CurrencyCode(code), limit=MinorUnits(minor)) for code, minor in limits]

    @classmethod
    def of(cls, settings: model.FraudSettings, context: Context) -> Self:
        return cls(
            settings=settings,
            spending_limit=MinorUnits(settings.limit_minor(context.currency)),
            maintenance_mode=settings.maintenance,
            updated_at=Instant(settings.updated_at),
        )


@object_type(needs=FraudPermission.READ_FRAUD)
class FraudEvent:
    """A change of the settings of fraud control."""

    at: Instant = attribute("When the setting was changed.")
    type: str = attribute("SpendingLimitSet, MaintenanceSwitched or SpendingCleared.")
    actor: str = attribute("The name of who changed it.")
    actor_role: Role | None = attribute("Null for the operator.")
    reason: str | None = attribute("Why, where the actor gave one.")
    currency: CurrencyCode | None = attribute("Of a spending limit.")
    before: str = attribute("The old value.")
    after: str = attribute("The new value.")

    @classmethod
    def of(cls, event: queries.SettingsEvent) -> Self:
        return cls(
            at=Instant(event.at),
            type=str(event.type),
            actor=event.by.name,
            actor_role=event.by.role,
            reason=event.reason,
            currency=CurrencyCode(event.currency) if event.currency else None,
            before=_value(event.before),
            after=_value(event.after),
        )


def _value(change: dict[str, Any]) -> str:
    """An entry changes one setting; its value as text."""
    return ", ".join(str(value).lower() for name, value in change.items() if name != "currency")


@strawberry.type
class Queries:
    """Queries of fraud control."""

    @field("For managers and support.", needs=FraudPermission.READ_FRAUD)
    async def fraud_settings(self, info: Info) -> FraudSettings | None:
        return FraudSettings.of(await queries.settings(info.context.db, info.context.viewer), info.context)

    @field(
        "Every change of the fraud settings, newest first. For managers and support.", needs=FraudPermission.READ_FRAUD
    )
    async def fraud_events(self, info: Info, first: First = PAGE, after: After = None) -> Connection[FraudEvent]:
        page = await queries.settings_log(info.context.db, info.context.viewer, first=size(first), after=after)
        return connection(page, after=after, cursor=lambda event: event.cursor, node=FraudEvent.of)


@object_type(needs=NOTHING_MORE)
class FraudSettingsPayload:
    """The settings now, or why nothing was done."""

    done: strawberry.Private[bool]
    user_errors: list[UserError] = attribute("Why nothing was done; empty if it was.")

    @field("As they are after the change; null with any error.", needs=FraudPermission.READ_FRAUD)
    async def fraud_settings(self, info: Info) -> FraudSettings | None:
        context = info.context
        return FraudSettings.of(await queries.settings(context.db, context.viewer), context) if self.done else None


async def _run(info: Info, act: Callable[[Tx], Awaitable[None]]) -> FraudSettingsPayload:
    done, errors = await run_command(info, _done(act))
    return FraudSettingsPayload(done=done is not None, user_errors=errors)


def _done(act: Callable[[Tx], Awaitable[None]]) -> Callable[[Tx], Awaitable[bool]]:
    """There is only one row of settings: that the command succeeded is all there is to store."""

    async def act_and_confirm(tx: Tx) -> bool:
        await act(tx)
        return True

    return act_and_confirm


@strawberry.type
class Mutations:
    """Commands of managers on fraud control."""

    @mutation("In minor units; 0 removes the limit.", needs=FraudPermission.SET_FRAUD)
    async def set_spending_limit(
        self,
        info: Info,
        limit: Annotated[MinorUnits, argument("Of all charges of a customer together; 0 is no limit.")],
        currency: Annotated[
            CurrencyCode | None, argument("Which currency's limit to set. Default: the shop's defaultCurrency.")
        ] = None,
    ) -> FraudSettingsPayload:
        context = info.context
        of = context.currency if currency is None else currency
        return await _run(info, lambda tx: commands.set_spending_limit(tx, context.viewer, limit, of))

    @mutation(
        "While it is on, no new charge is made. Turning it off resumes what waits.", needs=FraudPermission.SET_FRAUD
    )
    async def set_fraud_maintenance(
        self, info: Info, enabled: Annotated[bool, argument("True stops new charges, false allows them.")]
    ) -> FraudSettingsPayload:
        return await _run(info, lambda tx: commands.set_maintenance(tx, info.context.viewer, enabled=enabled))

    @mutation("No limit and no maintenance; cumulative charges are kept.", needs=FraudPermission.SET_FRAUD)
    async def reset_fraud_settings(self, info: Info) -> FraudSettingsPayload:
        return await _run(info, lambda tx: commands.reset(tx, info.context.viewer))

    @mutation("Every customer's cumulative charges start again from zero.", needs=FraudPermission.SET_FRAUD)
    async def clear_spending(
        self, info: Info, reason: Annotated[str, argument("Why, at most 500 characters; it is kept in the audit log.")]
    ) -> FraudSettingsPayload:
        return await _run(info, lambda tx: commands.clear_spending(tx, info.context.viewer, reason))


@strawberry.type
class Subscriptions:
    """Live fraud settings."""

    @subscription("The settings at once, and after every change of them.", needs=FraudPermission.READ_FRAUD)
    async def fraud_settings_updated(self, info: Info) -> AsyncGenerator[FraudSettings, None]:
        return _states(info.context)


async def _states(context: Context) -> AsyncGenerator[FraudSettings, None]:
    async with aclosing(context.live.fraud_settings()) as notifications:
        async for _ in notifications:
            async for settings in context.resent(partial(queries.settings, context.db, context.viewer)):
                yield FraudSettings.of(settings, context)
