"""The tables of products and warehouses."""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, Text, text

from oms.platform.tables import EVERYWHERE, NOBODY, PLAIN, Access, table

products: Final = table(
    "products",
    Column("sku", Text(collation="C"), primary_key=True, info=PLAIN),
    Column("name", Text, nullable=False, info=PLAIN),
    Column("unit_price_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False, info=PLAIN),
    Column("tax_bps", Integer),
    Index(None, "currency"),
    # Finds a part of a name; the extension pg_trgm is part of PostgreSQL. Products are read far more often than
    # changed, so each change is put in its place at once: a list of pending ones would be read by each search.
    Index(
        "ix_products_name_parts",
        text("lower(name) gin_trgm_ops"),
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    ),
    # Names that start with two letters, by SKU: too few for the index above.
    Index("ix_products_name_start", text('"left"(lower(name), 2)'), "sku"),
    access=Access.CHANGE,
    distributed_by=EVERYWHERE,
    customer_rows=NOBODY,
)

# What the products are found by together with orders (order_search/): the terms of their SKUs and names.
product_terms: Final = table(
    "product_terms",
    Column("sku", Text(collation="C"), primary_key=True, info=PLAIN),
    Column("term", Text(collation="C"), primary_key=True, info=PLAIN),
    Index(None, "term", "sku"),
    access=Access.REMOVE,
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
