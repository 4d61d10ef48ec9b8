"""The tables of products and warehouses."""

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, Text

from oms.platform.tables import EVERYWHERE, NOBODY, PLAIN, Access, table

products: Final = table(
    "products",
    Column("sku", Text(collation="C"), primary_key=True, info=PLAIN),
    Column("name", Text, nullable=False, info=PLAIN),
    Column("unit_price_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False, info=PLAIN),
    Column("tax_bps", Integer),
    access=Access.CHANGE,
    distributed_by=EVERYWHERE,
    customer_rows=NOBODY,
)

warehouses: Final = table(
    "warehouses",
    Column("code", Text(collation="C"), primary_key=True, info=PLAIN),
    Column("name", Text, nullable=False, info=PLAIN),
    access=Access.CHANGE,
    distributed_by=EVERYWHERE,
    customer_rows=NOBODY,
)
