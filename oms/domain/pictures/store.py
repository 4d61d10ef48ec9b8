"""Pictures of products in PostgreSQL."""

from collections.abc import Collection
from typing import Final

from oms.domain.pictures.model import Picture, PictureType
from oms.platform.db import Database, Statement, Tx

_DIGESTS: Final = Statement("SELECT sku, digest FROM product_pictures WHERE sku = ANY(CAST(:skus AS text[]))")
_BY_DIGEST: Final = Statement("SELECT type, content, digest FROM product_pictures WHERE digest = :digest LIMIT 1")
_SET: Final = Statement(
    """
    INSERT INTO product_pictures (sku, content, type, digest) VALUES (:sku, :content, :type, :digest)
    ON CONFLICT (sku) DO UPDATE SET content = excluded.content, type = excluded.type, digest = excluded.digest
    WHERE product_pictures.digest <> excluded.digest
    RETURNING old.digest
    """
)
_REMOVE: Final = Statement("DELETE FROM product_pictures WHERE sku = :sku RETURNING digest")


async def digests_of(db: Database, skus: Collection[str]) -> dict[str, str]:
    """By SKU, of the products that have a picture."""
    return {row["sku"]: row["digest"] for row in await db.rows(_DIGESTS, skus=list(skus))}


async def by_digest(db: Database, digest: str) -> Picture | None:
    rows = await db.rows(_BY_DIGEST, digest=digest)
    return Picture(PictureType(rows[0][0]), rows[0][1], rows[0][2]) if rows else None


async def replace(tx: Tx, sku: str, new: Picture | None) -> tuple[bool, str | None]:
    """Whether that changes anything, and the digest of the picture before."""
    if new:
        rows = await tx.rows(_SET, sku=sku, content=new.content, type=str(new.type), digest=new.digest)
    else:
        rows = await tx.rows(_REMOVE, sku=sku)
    return bool(rows), rows[0][0] if rows else None
