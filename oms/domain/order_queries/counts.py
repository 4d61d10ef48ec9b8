"""How many orders a filter selects, counted as far as people read numbers."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from oms.domain.access.permissions import Viewer, require
from oms.domain.order.policy import OrderPermission
from oms.domain.order_queries.finding.selection import OrderQuery, Selection, check_filter
from oms.domain.order_queries.row_filters import RowFilter, row_filter_of
from oms.platform.db import Database, statement

MAX_COUNTED: Final = 10_000
"""Orders of one filter that are counted, or sorted by what no index has."""

_LETTERS: Final = "abcdefghij"
_COUNT: Final = "SELECT {place}, count(*) FROM ({chosen}) AS counted"


async def counts(db: Database, row_filter: RowFilter, filters: Sequence[OrderQuery]) -> list[int]:
    """How many orders each filter selects; MAX_COUNTED + 1 stands for more. All by one statement."""
    selections = [Selection(each, row_filter.orders) for each in filters]
    parts, values = [], dict(row_filter.values)
    for place, selection in enumerate(selections):
        chosen = selection.of("o.id", "o.id, o.closed_at", MAX_COUNTED + 1)
        parts.append(_COUNT.format(place=place, chosen=_numbered(chosen, selection.values, place)))
        values |= {_name(name, place): value for name, value in selection.values.items()}
    rows = await db.rows_planned_anew(statement(" UNION ALL ".join(parts)), **values)
    found: dict[int, int] = {place: number for place, number in rows}  # noqa: C416 - a record is no tuple to mypy
    return [found[place] for place in range(len(filters))]


def _numbered(query: str, names: Iterable[str], place: int) -> str:
    """The query with other names of its parameters, so that several fit into one statement."""
    return re.sub(rf":({'|'.join(names)})\b", lambda found: f":{_name(found[1], place)}", query)


def _name(parameter: str, place: int) -> str:
    """Made of letters, as names of parameters are."""
    return parameter + "_of_" + "".join(_LETTERS[int(digit)] for digit in str(place))


async def count(db: Database, viewer: Viewer, filters: Sequence[OrderQuery]) -> list[int]:
    """As counts(), as far as the viewer may see. Raises Refused: FORBIDDEN, or INVALID."""
    require(viewer, OrderPermission.READ_ORDERS)
    for each in filters:
        check_filter(viewer, each)
    return await counts(db, row_filter_of(viewer), filters)
