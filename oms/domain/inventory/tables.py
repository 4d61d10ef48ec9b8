"""The table of stock."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, Integer, Text, text

from oms.platform.tables import NOBODY, PLAIN, Access, table

stock: Final = table(
    "stock",
    Column("sku", Text(collation="C"), primary_key=True, info=PLAIN),
    Column("warehouse_code", Text(collation="C"), primary_key=True, info=PLAIN),
    Column("on_hand", Integer, nullable=False),
    Column("allocated", Integer, nullable=False, server_default=text("0")),
    CheckConstraint("0 <= allocated AND allocated <= on_hand", name="never_oversold"),
    access=Access.CHANGE,
    distributed_by=("sku", "SKU"),
    customer_rows=NOBODY,
)
