"""The table of products' pictures."""

from typing import Final

from sqlalchemy import Column, Index, LargeBinary, Text

from oms.platform.tables import EVERYWHERE, NOBODY, PLAIN, Access, table

product_pictures: Final = table(
    "product_pictures",
    Column("sku", Text(collation="C"), primary_key=True, info=PLAIN),
    Column("content", LargeBinary, nullable=False, info=PLAIN),
    Column("type", Text, nullable=False, info=PLAIN),
    Column("digest", Text, nullable=False, info=PLAIN),
    Index(None, "digest"),
    access=Access.ALL,
    distributed_by=EVERYWHERE,
    customer_rows=NOBODY,
)
