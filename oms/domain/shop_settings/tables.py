"""The table of the shop's settings: one row, from the first change on."""

from typing import Final

from sqlalchemy import CheckConstraint, Column, DateTime, Integer, LargeBinary, Text

from oms.platform.tables import EVERYWHERE, NOBODY, PLAIN, Access, table

shop_settings: Final = table(
    "shop_settings",
    Column("id", Integer, primary_key=True, autoincrement=False),
    # NULL: what the environment states.
    Column("name", Text, info=PLAIN),
    Column("time_zone", Text, info=PLAIN),
    Column("currency", Text, info=PLAIN),
    Column("amendment_timeout_s", Integer),
    Column("logo", LargeBinary, info=PLAIN),
    Column("logo_type", Text, info=PLAIN),
    Column("logo_digest", Text, info=PLAIN),
    Column("version", Integer, nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("id = 1", name="single_row"),
    CheckConstraint("num_nulls(logo, logo_type, logo_digest) IN (0, 3)", name="whole_logo"),
    access=Access.CHANGE,
    distributed_by=EVERYWHERE,
    customer_rows=NOBODY,
)
