"""The catalogue and stock: reading them, and loading them all or nothing."""

from typing import Self

import strawberry

from oms.domain.catalog import commands, model, queries
from oms.domain.inventory import commands as stock_handle
from oms.domain.inventory import queries as stock_read
from oms.domain.inventory.commands import StockCount
from oms.domain.vocabulary.paging import cursor_of
from oms.platform.db import Tx
from oms.schema.runtime.commands import carry_out
from oms.schema.runtime.connections import PAGE, Connection, connection, size
from oms.schema.runtime.context import Info
from oms.schema.runtime.errors import UserError
from oms.schema.runtime.fields import field, mutation
from oms.schema.runtime.money import Money, money
from oms.schema.runtime.reads import Reads
from oms.schema.runtime.scalars import CurrencyCode, MinorUnits


@strawberry.type
class Warehouse:
    """A place that shipments leave from."""

    code: str
    name: str

    @classmethod
    def of(cls, warehouse: model.Warehouse) -> Self:
        return cls(code=warehouse.code, name=warehouse.name)


@strawberry.type
class Product:
    """What can be ordered."""

    reads: strawberry.Private[Reads]
    sku: str
    name: str
    unit_price: Money
    tax_bps: int | None = strawberry.field(
        description="Tax in basis points, 2000 is 20 %; null for the billing system's default."
    )

    @classmethod
    def of(cls, reads: Reads, product: model.Product) -> Self:
        price = money(product.unit_price_minor, product.currency)
        return cls(reads=reads, sku=product.sku, name=product.name, unit_price=price, tax_bps=product.tax_bps)

    @field("What each warehouse holds of it, in the order of codes; for managers, support and services.")
    async def stock(self) -> list["StockLevel"]:
        return [StockLevel.of(level) for level in await self.reads.levels.load(self.sku)]


@strawberry.type(description="What a warehouse holds of a SKU: 0 ≤ allocated ≤ onHand, available = onHand - allocated.")
class StockLevel:
    """Units of a SKU in one warehouse."""

    sku: str
    warehouse: Warehouse
    on_hand: int
    allocated: int
    available: int

    @classmethod
    def of(cls, level: stock_read.Level) -> Self:
        return cls(
            sku=level.sku,
            warehouse=Warehouse.of(level.warehouse),
            on_hand=level.on_hand,
            allocated=level.allocated,
            available=level.available,
        )


@strawberry.type
class CatalogQueries:
    """Reading the catalogue and stock."""

    @field("For managers, support and services.")
    async def stock(self, info: Info, sku: str) -> list[StockLevel]:
        levels = await stock_read.levels(info.context.db, info.context.viewer, sku)
        return [StockLevel.of(level) for level in levels]

    @field("What a price is in where no currency is named.")
    def default_currency(self, info: Info) -> CurrencyCode:
        return CurrencyCode(info.context.currency)

    @field("Null when there is none; for all but couriers.")
    async def product(self, info: Info, sku: str) -> Product | None:
        found = await queries.product(info.context.db, info.context.viewer, sku)
        return Product.of(info.context.reads, found) if found else None

    @field(
        "In the order of SKUs; for all but couriers. search matches the start of a SKU, or a part of a name"
        " in capitals or not."
    )
    async def products(
        self, info: Info, first: int | None = PAGE, after: str | None = None, search: str | None = None
    ) -> Connection[Product]:
        reads = info.context.reads
        page = await queries.products(reads.db, reads.viewer, first=size(first), after=after, search=search)
        return connection(
            page, after=after, cursor=lambda product: cursor_of(product.sku), node=lambda p: Product.of(reads, p)
        )

    @field("In the order of codes; for all but couriers.")
    async def warehouses(self, info: Info, first: int | None = PAGE, after: str | None = None) -> Connection[Warehouse]:
        page = await queries.warehouses(info.context.db, info.context.viewer, first=size(first), after=after)
        return connection(page, after=after, cursor=lambda w: cursor_of(w.code), node=Warehouse.of)


@strawberry.input
class WarehouseInput:
    """A warehouse to create or change."""

    code: str
    name: str


@strawberry.input
class ProductInput:
    """A product to create or change."""

    sku: str
    name: str
    unit_price: MinorUnits
    currency: CurrencyCode | None = None
    tax_bps: int | None = strawberry.field(
        default=None, description="Tax in basis points, 2000 is 20 %; without it the billing system's default holds."
    )


@strawberry.input
class StockInput:
    """What stands on a shelf."""

    sku: str
    warehouse_code: str
    on_hand: int = strawberry.field(description="Counted on the shelf, allocated units included.")
    expected_on_hand: int | None = strawberry.field(
        default=None, description="If given, refused as CONFLICT unless it is what is on hand now."
    )


@strawberry.type
class CatalogPayload:
    """How a load ended."""

    changed: int = strawberry.field(description="How many entries were created or changed.")
    user_errors: list[UserError] = strawberry.field(description="All or nothing: with any error, nothing was changed.")


@strawberry.type
class CatalogMutations:
    """Loading the catalogue and stock."""

    @mutation("Create or change, up to 1000 at once; likewise the next two. For managers and services.")
    async def upsert_warehouses(self, info: Info, inputs: list[WarehouseInput]) -> CatalogPayload:
        entries = [model.Warehouse(each.code, each.name) for each in inputs]

        async def act(tx: Tx) -> int:
            return await commands.upsert_warehouses(tx, info.context.viewer, entries)

        changed, errors = await carry_out(info, act)
        return CatalogPayload(changed=changed or 0, user_errors=errors)

    @strawberry.mutation
    async def upsert_products(self, info: Info, inputs: list[ProductInput]) -> CatalogPayload:
        default = info.context.currency
        entries = [
            model.Product(p.sku, p.name, p.unit_price, default if p.currency is None else p.currency, p.tax_bps)
            for p in inputs
        ]

        async def act(tx: Tx) -> int:
            return await commands.upsert_products(tx, info.context.viewer, entries)

        changed, errors = await carry_out(info, act)
        return CatalogPayload(changed=changed or 0, user_errors=errors)

    @mutation("Refused where onHand would fall below what is allocated.")
    async def set_stock(self, info: Info, inputs: list[StockInput]) -> CatalogPayload:
        counts = [StockCount(s.sku, s.warehouse_code, s.on_hand, s.expected_on_hand) for s in inputs]

        async def act(tx: Tx) -> int:
            return await stock_handle.set_stock(tx, info.context.viewer, counts)

        changed, errors = await carry_out(info, act)
        return CatalogPayload(changed=changed or 0, user_errors=errors)
