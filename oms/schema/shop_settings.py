"""The shop's settings, and the commands of managers on them."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Self

import strawberry

from oms.domain.access.permissions import require
from oms.domain.pictures.model import Picture
from oms.domain.shop_settings import commands, model, queries
from oms.domain.shop_settings.model import LOGO_BYTES, NAME_LENGTH
from oms.domain.shop_settings.policy import ShopPermission
from oms.platform.db import Tx
from oms.schema.runtime.commands import run_command
from oms.schema.runtime.context import Context, Info
from oms.schema.runtime.enums import described
from oms.schema.runtime.errors import UserError
from oms.schema.runtime.fields import NOTHING_MORE, argument, attribute, field, mutation, object_type
from oms.schema.runtime.money import Money, money
from oms.schema.runtime.scalars import CurrencyCode, Instant


@object_type(needs=ShopPermission.READ_SHOP)
class ShopValues:
    """Values of the shop's settings."""

    name: str | None = attribute("On every page and in its title.")
    time_zone: str | None = attribute("A name of the IANA time zone database; null: each reader's own.")
    currency: CurrencyCode | None = attribute("Of prices and limits that name none.")
    amendment_timeout_seconds: int | None = attribute("How long customers have to answer an amended order.")

    @classmethod
    def chosen(cls, choices: model.Choices) -> Self:
        return cls(
            name=choices.name,
            time_zone=choices.time_zone,
            currency=CurrencyCode(choices.currency) if choices.currency else None,
            amendment_timeout_seconds=choices.amendment_timeout_s,
        )

    @classmethod
    def of(cls, shop: model.Shop) -> Self:
        return cls(
            name=shop.name,
            time_zone=shop.time_zone,
            currency=CurrencyCode(shop.currency),
            amendment_timeout_seconds=shop.answer_within // timedelta(seconds=1),
        )


@object_type(needs=ShopPermission.READ_SHOP)
class ShopSettings:
    """What managers have chosen for the shop, and what holds where they have chosen nothing."""

    now: ShopValues = attribute("What holds: of each value the chosen one, else the default.")
    chosen: ShopValues = attribute("What a manager has chosen; null: the default holds.")
    default: ShopValues = attribute("What holds where nothing is chosen: mostly what the server's environment says.")
    logo: str | None = attribute("The address of the logo on this server; null: there is none.")
    version: int = attribute("Counts the changes; for expectedVersion.")
    updated_at: Instant | None = attribute("When a manager last changed a setting; null: nobody ever has.")

    @classmethod
    def of(cls, settings: model.ShopSettings, default: model.Shop) -> Self:
        return cls(
            now=ShopValues.of(settings.over(default)),
            chosen=ShopValues.chosen(settings.choices),
            default=ShopValues.of(default),
            logo=f"/logo/{settings.logo.digest}" if settings.logo else None,
            version=settings.version,
            updated_at=Instant(settings.updated_at) if settings.updated_at else None,
        )


described(
    model.ProviderMode,
    "ProviderMode",
    "What charges customers and carries parcels.",
    {
        model.ProviderMode.SANDBOX: "A sandbox in each worker: no real money moves, and no parcel.",
        model.ProviderMode.SERVICE: "A service at another host.",
    },
)


@object_type(needs=ShopPermission.READ_SHOP)
class ShopProviders:
    """Payment and courier, as the server's environment states them."""

    mode: model.ProviderMode = attribute("What charges customers and carries parcels.")
    host: str | None = attribute("The name of the service's host; null for a sandbox.")
    default_tax_bps: int | None = attribute(
        "Tax in basis points of products without their own; null: the service decides, and does not say."
    )
    shipping_base: Money | None = attribute("What each shipment costs; null: the service decides.")
    shipping_per_unit: Money | None = attribute("What each unit of a shipment adds; null: the service decides.")

    @classmethod
    def of(cls, providers: model.Providers, currency: str) -> Self:
        base, per_unit = providers.shipping_base_minor, providers.shipping_per_unit_minor
        return cls(
            mode=providers.mode,
            host=providers.host,
            default_tax_bps=providers.default_tax_bps,
            shipping_base=None if base is None else money(base, currency),
            shipping_per_unit=None if per_unit is None else money(per_unit, currency),
        )


async def _settings(context: Context) -> ShopSettings:
    return ShopSettings.of(await queries.shop_settings(context.db, context.viewer), context.shop.default)


@strawberry.type
class Queries:
    """Queries of the shop's settings."""

    @field("For managers and support.", needs=ShopPermission.READ_SHOP)
    async def shop_settings(self, info: Info) -> ShopSettings | None:
        return await _settings(info.context)

    @field(
        "Sandbox or service, and what is known of their prices. For managers and support.",
        needs=ShopPermission.READ_SHOP,
    )
    def shop_providers(self, info: Info) -> ShopProviders | None:
        require(info.context.viewer, ShopPermission.READ_SHOP)
        return ShopProviders.of(info.context.providers, info.context.currency)


@object_type(needs=NOTHING_MORE)
class ShopSettingsPayload:
    """The settings now, or why nothing was done."""

    done: strawberry.Private[bool]
    user_errors: list[UserError] = attribute("Why nothing was done; empty if it was.")

    @field("As they are after the change; null with any error.", needs=ShopPermission.READ_SHOP)
    async def shop_settings(self, info: Info) -> ShopSettings | None:
        return await _settings(info.context) if self.done else None


async def _run(info: Info, act: Callable[[Tx], Awaitable[None]]) -> ShopSettingsPayload:
    async def act_and_confirm(tx: Tx) -> bool:
        await act(tx)
        return True

    done, errors = await run_command(info, act_and_confirm)
    if done:
        await info.context.shop.read()  # the page that follows shows it
    return ShopSettingsPayload(done=done is not None, user_errors=errors)


@strawberry.type
class Mutations:
    """Commands of managers on the shop's settings."""

    @mutation(
        "All settings but the logo at once: what is left out or null is the default again. For managers.",
        needs=ShopPermission.SET_SHOP,
    )
    async def set_shop_settings(
        self,
        info: Info,
        name: Annotated[str | None, argument(f"At most {NAME_LENGTH} characters.")] = None,
        time_zone: Annotated[str | None, argument("Of the IANA time zone database, such as Europe/Berlin.")] = None,
        currency: Annotated[
            CurrencyCode | None,
            argument("The new default; refused while products have prices or customers a limit in the present one."),
        ] = None,
        amendment_timeout_seconds: Annotated[
            int | None, argument("From a minute to 90 days; orders that wait for an answer keep their deadline.")
        ] = None,
        expected_version: Annotated[
            int | None, argument("Refuse unless it is still the settings' version. Default: change them anyway.")
        ] = None,
    ) -> ShopSettingsPayload:
        context = info.context
        choices = model.Choices(
            name=name, time_zone=time_zone, currency=currency, amendment_timeout_s=amendment_timeout_seconds
        )
        return await _run(
            info,
            lambda tx: commands.set_shop_settings(
                tx, context.viewer, choices, context.shop.default, expected_version=expected_version
            ),
        )

    @mutation("The picture beside the shop's name. For managers.", needs=ShopPermission.SET_SHOP)
    async def set_shop_logo(
        self,
        info: Info,
        picture: Annotated[
            str | None,
            argument(
                f"A PNG, JPEG or WebP picture of at most {LOGO_BYTES // 1000} kB in Base64; null removes the logo."
            ),
        ] = None,
    ) -> ShopSettingsPayload:
        async def act(tx: Tx) -> None:
            logo = None if picture is None else Picture.of_base64(picture, "picture", max_bytes=LOGO_BYTES)
            await commands.set_logo(tx, info.context.viewer, logo)

        return await _run(info, act)
