"""The table of what orders are found by."""

from typing import Final

from sqlalchemy import Column, Index, SmallInteger, Text, Uuid

from oms.domain.order_search.model import PERSONAL
from oms.platform.tables import Access, CustomerRows, personal, table

_OF_CUSTOMER: Final = "order_id IN (SELECT id FROM orders WHERE customer_reference = :reference)"

order_terms: Final = table(
    "order_terms",
    Column("order_id", Uuid, primary_key=True),
    # In the order of bytes, so that all terms with the same beginning are next to each other.
    Column("term", Text(collation="C"), primary_key=True, info=personal()),
    Column("field", SmallInteger, primary_key=True),
    # The newest orders of a term come first when it is read backwards.
    Index(None, "term", "order_id"),
    access=Access.REMOVE,
    distributed_by=("order_id", "order"),
    # An export has the texts themselves. Terms of the order's own numbers stay, as those numbers do.
    customer_rows=CustomerRows(
        _OF_CUSTOMER,
        through_others=True,
        export=False,
        delete=True,
        delete_where=f"field IN ({', '.join(str(int(field)) for field in sorted(PERSONAL))}) AND {_OF_CUSTOMER}",
    ),
)
