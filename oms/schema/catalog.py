"""The catalogue: products and warehouses; loads change all or nothing."""

from typing import Annotated, Final, Self

import strawberry

from oms.domain.catalog import commands, model, queries
from oms.domain.catalog.policy import CatalogPermission
from oms.domain.vocabulary.paging import cursor_of
from oms.platform.db import Tx
from oms.schema.runtime.commands import run_command
from oms.schema.runtime.connections import PAGE, After, Connection, First, connection, size
from oms.schema.runtime.context import Info
from oms.schema.runtime.errors import UserError
from oms.schema.runtime.fields import NOTHING_MORE, argument, attribute, field, input_type, mutation, object_type
from oms.schema.runtime.money import Money, money
from oms.schema.runtime.scalars import CurrencyCode, MinorUnits

SEARCH: Final = 1_000
"""The cost of a search: at worst it reads a large part of the catalogue."""

BY_CURRENCY: Final = 500
"""Products of other currencies are read and left out; most shops have few currencies."""


@object_type(needs=NOTHING_MORE, listed=CatalogPermission.READ_WAREHOUSES)
class Warehouse:
    """A place that shipments leave from."""

    code: str = attribute("Unique; what other fields name it by.")
    name: str = attribute("For people to read.")

    @classmethod
    def of(cls, warehouse: model.Warehouse) -> Self:
        return cls(code=warehouse.code, name=warehouse.name)


@object_type(needs=CatalogPermission.READ_CATALOG)
class Product:
    """What can be ordered."""

    sku: str = attribute("Stock keeping unit: the product's code.")
    name: str = attribute("For people to read.")
    unit_price: Money = attribute("Of one unit, without tax.")
    tax_bps: int | None = attribute("Tax in basis points, 2000 is 20 %; null for the billing system's default.")

    @classmethod
    def of(cls, product: model.Product) -> Self:
        price = money(product.unit_price_minor, product.currency)
        return cls(sku=product.sku, name=product.name, unit_price=price, tax_bps=product.tax_bps)


@strawberry.type
class Queries:
    """Queries of the catalogue."""

    @field("The currency of prices that name none.", needs=NOTHING_MORE)
    def default_currency(self, info: Info) -> CurrencyCode:
        return CurrencyCode(info.context.currency)

    @field("Null when there is none; for all but couriers.", needs=CatalogPermission.READ_CATALOG)
    async def product(self, info: Info, sku: Annotated[str, argument("The product's code.")]) -> Product | None:
        found = await queries.product(info.context.db, info.context.viewer, sku)
        return Product.of(found) if found else None

    @field(
        "In the order of SKUs; for all but couriers. search matches the start of a SKU, or a part of a name"
        " in capitals or not; two letters only the start of a name, one only that of a SKU."
        " currency: only products with such a price.",
        needs=CatalogPermission.READ_CATALOG,
        costs={"search": SEARCH, "currency": BY_CURRENCY},
    )
    async def products(
        self,
        info: Info,
        first: First = PAGE,
        after: After = None,
        search: Annotated[str | None, argument("The start of a SKU or a part of a name.")] = None,
        currency: Annotated[CurrencyCode | None, argument("Only products with a price in it.")] = None,
    ) -> Connection[Product]:
        context = info.context
        page = await queries.products(
            context.db, context.viewer, first=size(first), after=after, search=search, currency=currency
        )
        return connection(page, after=after, cursor=lambda product: cursor_of(product.sku), node=Product.of)

    @field("In the order of codes; for all but couriers.", needs=CatalogPermission.READ_WAREHOUSES)
    async def warehouses(self, info: Info, first: First = PAGE, after: After = None) -> Connection[Warehouse]:
        page = await queries.warehouses(info.context.db, info.context.viewer, first=size(first), after=after)
        return connection(page, after=after, cursor=lambda w: cursor_of(w.code), node=Warehouse.of)


@input_type
class WarehouseInput:
    """A warehouse to create or change."""

    code: str = attribute("The code of the warehouse to create or change, at most 100 characters.")
    name: str = attribute("For people to read, at most 200 characters.")


@input_type
class ProductInput:
    """A product to create or change."""

    sku: str = attribute("The code of the product to create or change, at most 100 characters.")
    name: str = attribute("For people to read, at most 200 characters.")
    unit_price: MinorUnits = attribute("Of one unit, without tax.")
    currency: CurrencyCode | None = attribute("Of the price. Default: the shop's defaultCurrency.", default=None)
    tax_bps: int | None = attribute(
        default=None, description="Tax in basis points, 2000 is 20 %; without it the billing system's default applies."
    )


@object_type(needs=NOTHING_MORE)
class CatalogPayload:
    """What a change of the catalogue or of stock did."""

    changed: int = attribute("How many entries were created or changed.")
    user_errors: list[UserError] = attribute("All or nothing: with any error, nothing was changed.")


@strawberry.type
class Mutations:
    """Commands on the catalogue."""

    @mutation(
        "Create or change, up to 1000 at once; likewise the next two. For managers and services.",
        needs=CatalogPermission.SET_CATALOG,
    )
    async def upsert_warehouses(
        self,
        info: Info,
        inputs: Annotated[list[WarehouseInput], argument("At most 1000; a code that exists is changed.")],
    ) -> CatalogPayload:
        entries = [model.Warehouse(each.code, each.name) for each in inputs]

        async def act(tx: Tx) -> int:
            return await commands.upsert_warehouses(tx, info.context.viewer, entries)

        changed, errors = await run_command(info, act)
        return CatalogPayload(changed=changed or 0, user_errors=errors)

    @mutation(
        "Create or change, up to 1000 at once. Orders that were placed keep their prices.",
        needs=CatalogPermission.SET_CATALOG,
    )
    async def upsert_products(
        self, info: Info, inputs: Annotated[list[ProductInput], argument("At most 1000; a SKU that exists is changed.")]
    ) -> CatalogPayload:
        default = info.context.currency
        entries = [
            model.Product(p.sku, p.name, p.unit_price, default if p.currency is None else p.currency, p.tax_bps)
            for p in inputs
        ]

        async def act(tx: Tx) -> int:
            return await commands.upsert_products(tx, info.context.viewer, entries)

        changed, errors = await run_command(info, act)
        return CatalogPayload(changed=changed or 0, user_errors=errors)
