"""Stock: units of each product in each warehouse."""

from typing import Annotated, Final, Self

import strawberry
from strawberry import Parent

from oms.domain.catalog.policy import CatalogPermission
from oms.domain.inventory import commands, model, queries
from oms.domain.inventory.commands import StockCount
from oms.domain.inventory.model import Availability
from oms.domain.inventory.policy import InventoryPermission
from oms.domain.inventory.queries import Level
from oms.platform.db import Tx
from oms.schema.catalog import CatalogPayload, Product, Warehouse
from oms.schema.runtime.commands import run_command
from oms.schema.runtime.context import Info
from oms.schema.runtime.enums import described
from oms.schema.runtime.fields import argument, attribute, extends, field, input_type, mutation, object_type
from oms.schema.runtime.reading.reads import BatchRead

_NO_LEVELS: Final[list[Level]] = []
LEVELS: Final = BatchRead(queries.levels_of, _NO_LEVELS)
"""By SKU."""


@object_type(
    needs=InventoryPermission.READ_STOCK,
)
class StockLevel:
    """What a warehouse holds of a SKU: 0 ≤ allocated ≤ onHand, available = onHand - allocated."""

    sku: str = attribute("Stock keeping unit: the product's code.")
    warehouse: Warehouse = attribute("Where it lies.")
    on_hand: int = attribute("Units on the shelf, allocated ones included.")
    allocated: int = attribute("Units that belong to open shipments.")
    available: int = attribute("Units that new orders can have.")

    @classmethod
    def of(cls, level: Level) -> Self:
        return cls(
            sku=level.sku,
            warehouse=Warehouse.of(level.warehouse),
            on_hand=level.on_hand,
            allocated=level.allocated,
            available=level.available,
        )


@extends(
    Product,
    "What each warehouse holds of it, in the order of codes; for managers, support and services.",
    needs=InventoryPermission.READ_STOCK,
)
async def stock(product: Parent[Product], info: Info) -> list[StockLevel]:
    return [StockLevel.of(level) for level in await info.context.reads.load(LEVELS, product.sku)]


described(
    Availability,
    "Availability",
    "Whether a product can be sent now.",
    {
        Availability.IN_STOCK: "More than a few units are free.",
        Availability.FEW_LEFT: "A few units are free; unitsLeft says how many.",
        Availability.SOLD_OUT: "No unit is free.",
    },
)
FREE_UNITS: Final = BatchRead(queries.free_units_of, 0)
"""By SKU."""


@extends(Product, "Whether it can be sent now.", needs=CatalogPermission.READ_CATALOG)
async def availability(product: Parent[Product], info: Info) -> Availability:
    return model.availability(await info.context.reads.load(FREE_UNITS, product.sku))


@extends(Product, "How many units are free, if those are few; otherwise null.", needs=CatalogPermission.READ_CATALOG)
async def units_left(product: Parent[Product], info: Info) -> int | None:
    return model.units_left(await info.context.reads.load(FREE_UNITS, product.sku))


@strawberry.type
class Queries:
    """Queries of stock."""

    @field("For managers, support and services.", needs=InventoryPermission.READ_STOCK)
    async def stock(self, info: Info, sku: Annotated[str, argument("The product's code.")]) -> list[StockLevel]:
        levels = await queries.levels(info.context.db, info.context.viewer, sku)
        return [StockLevel.of(level) for level in levels]


@input_type
class StockInput:
    """The counted stock of a SKU in a warehouse."""

    sku: str = attribute("A product of the catalogue.")
    warehouse_code: str = attribute("Where it was counted.")
    on_hand: int = attribute(description="Counted on the shelf, allocated units included.")
    expected_on_hand: int | None = attribute(
        default=None, description="If given, refused as CONFLICT unless it is what is on hand now."
    )


@strawberry.type
class Mutations:
    """Commands on stock."""

    @mutation("Refused where onHand would fall below what is allocated.", needs=CatalogPermission.SET_CATALOG)
    async def set_stock(
        self, info: Info, inputs: Annotated[list[StockInput], argument("At most 1000 counts.")]
    ) -> CatalogPayload:
        counts = [StockCount(s.sku, s.warehouse_code, s.on_hand, s.expected_on_hand) for s in inputs]

        async def act(tx: Tx) -> int:
            return await commands.set_stock(tx, info.context.viewer, counts)

        changed, errors = await run_command(info, act)
        return CatalogPayload(changed=changed or 0, user_errors=errors)
