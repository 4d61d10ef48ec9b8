"""However many orders there are, no statement that is executed all day looks at more rows than it has to."""

from collections.abc import Callable, Collection
from typing import Final

import pytest

from oms.domain.concepts import metadata
from tests.system.hot_path.growing import SMALL
from tests.system.hot_path.plan import OF_AN_INDEX, Look, looks
from tests.system.hot_path.telling import Executed
from tests.system.hot_path.ways import COMMANDS_AND_WORK, LISTS, ONE_ORDER

pytestmark = pytest.mark.random_order(disabled=True)

GROWING: Final = metadata.tables.keys() - SMALL
MAX_ROWS: Final = 500
"""A page, a batch of orders with all that is theirs, or what workers hold; the tables have twenty thousand and more."""


def test_no_table_that_grows_is_read_from_end_to_end(executed: list[Executed]) -> None:
    _must_have_none(executed, lambda look: look.how == "Seq Scan")


def test_no_statement_looks_at_many_rows_to_find_few(executed: list[Executed]) -> None:
    _must_have_none(executed, lambda look: look.rows > MAX_ROWS)


def test_every_way_asks_the_database_something(executed: list[Executed]) -> None:
    assert {each.way for each in executed} == {*COMMANDS_AND_WORK, *ONE_ORDER, *LISTS}


def test_every_table_that_grows_with_orders_is_looked_into(executed: list[Executed]) -> None:
    seen = {look.table for each in executed for look in looks(each.plan)}
    assert {"orders", "order_lines", "order_events", "shipments", "allocations", "work", "stock", "tallies"} <= seen


def _must_have_none(executed: Collection[Executed], is_bad: Callable[[Look], bool]) -> None:
    """Tells each statement that has one, once, with its plan."""
    found: dict[str, str] = {}
    for each in executed:
        for look in looks(each.plan):
            if look.table in {*GROWING, OF_AN_INDEX} and is_bad(look):
                found.setdefault(each.sql, f"{look} in {each}")
    if found:
        pytest.fail("\n\n".join(found.values()), pytrace=False)
