"""Pictures of products."""

from typing import Annotated

import strawberry
from strawberry import Parent

from oms.domain.catalog import queries as catalog
from oms.domain.catalog.policy import CatalogPermission
from oms.domain.pictures import commands, model, queries
from oms.domain.pictures.commands import PICTURE_BYTES
from oms.platform.db import Tx
from oms.schema.catalog import Product
from oms.schema.runtime.commands import run_command
from oms.schema.runtime.context import Info
from oms.schema.runtime.errors import UserError
from oms.schema.runtime.fields import NOTHING_MORE, argument, attribute, extends, field, mutation, object_type
from oms.schema.runtime.reading.reads import BatchRead

_NO_DIGEST: str | None = None
DIGESTS: BatchRead[str, str | None] = BatchRead(queries.digests_of, _NO_DIGEST)
"""By SKU."""


@extends(
    Product,
    "The address of its picture on this server, for whoever is signed in; null: it has none.",
    needs=CatalogPermission.READ_CATALOG,
)
async def picture(product: Parent[Product], info: Info) -> str | None:
    digest = await info.context.reads.load(DIGESTS, product.sku)
    return f"/picture/{digest}" if digest else None


@object_type(needs=NOTHING_MORE)
class ProductPicturePayload:
    """The product now, or why nothing was done."""

    sku: strawberry.Private[str | None]
    user_errors: list[UserError] = attribute("Why nothing was done; empty if it was.")

    @field("As it is after the change; null with any error.", needs=CatalogPermission.READ_CATALOG)
    async def product(self, info: Info) -> Product | None:
        if self.sku is None:
            return None
        found = await catalog.product(info.context.db, info.context.viewer, self.sku)
        return Product.of(found) if found else None


@strawberry.type
class Mutations:
    """Commands on pictures."""

    @mutation("Sets or removes a product's picture. For managers and services.", needs=CatalogPermission.SET_CATALOG)
    async def set_product_picture(
        self,
        info: Info,
        sku: Annotated[str, argument("The product's code.")],
        picture: Annotated[
            str | None,
            argument(f"A PNG, JPEG or WebP picture of at most {PICTURE_BYTES // 1000} kB in Base64; null removes it."),
        ] = None,
    ) -> ProductPicturePayload:
        async def act(tx: Tx) -> str:
            new = None if picture is None else model.Picture.of_base64(picture, "picture", max_bytes=PICTURE_BYTES)
            await commands.set_product_picture(tx, info.context.viewer, sku, new)
            return sku

        done, errors = await run_command(info, act)
        return ProductPicturePayload(sku=done, user_errors=errors)
