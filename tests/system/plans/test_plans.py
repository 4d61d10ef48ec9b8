"""However many orders there are, no statement of a frequent operation reads more rows than it needs."""

from collections.abc import Callable, Collection
from typing import Final

import pytest

from oms.domain.concepts import metadata
from oms.domain.order_queries.counts import MAX_COUNTED
from oms.domain.order_queries.finding.search import EXAMINED, RARE
from tests.system.hot_path.auto_explain import Executed
from tests.system.hot_path.large_tables import SMALL
from tests.system.hot_path.operations import COMMANDS_AND_WORK, COUNTS, LISTS, ONE_ORDER, SEARCHES
from tests.system.hot_path.plan import INDEX_ONLY, Scan, scans

pytestmark = pytest.mark.random_order(disabled=True)

GROWING: Final = metadata.tables.keys() - SMALL
MAX_ROWS: Final = 500
"""A page, a batch of orders with all their rows, or what workers hold. The tables have twenty thousand rows."""

LINES: Final = 2
"""Of each order in the tables."""

WORDS: Final = 2
"""At most, in one search of the operations. One statement counts the orders of each word."""


def test_no_growing_table_is_scanned_completely(executed: list[Executed]) -> None:
    _must_have_none(executed, lambda _, scan: scan.how == "Seq Scan")


def test_no_statement_reads_many_rows_to_find_few(executed: list[Executed]) -> None:
    _must_have_none(executed, lambda operation, scan: scan.rows > most_rows(operation, scan))


def most_rows(operation: str, scan: Scan) -> int:
    """That one scan may read. Entries of an index that suffice by themselves are cheap; counts and searches need many.

    Of a candidate of a search, all lines are looked at if it has the word in no other way.
    """
    if operation in COUNTS:
        return MAX_COUNTED + 1 if "Only" in scan.how else MAX_ROWS
    if operation in SEARCHES:
        return WORDS * (RARE + 1) if "Only" in scan.how else EXAMINED * LINES
    return MAX_ROWS


def test_every_operation_executes_statements(executed: list[Executed]) -> None:
    assert {each.operation for each in executed} == {*COMMANDS_AND_WORK, *ONE_ORDER, *LISTS, *SEARCHES, *COUNTS}


def test_every_table_that_grows_with_orders_is_read(executed: list[Executed]) -> None:
    seen = {scan.table for each in executed for scan in scans(each.plan)}
    assert {
        "orders",
        "order_lines",
        "order_events",
        "shipments",
        "allocations",
        "work",
        "stock",
        "tallies",
        "order_terms",
    } <= seen


def _must_have_none(executed: Collection[Executed], is_bad: Callable[[str, Scan], bool]) -> None:
    """Reports each statement with a bad scan once, with its plan."""
    found: dict[str, str] = {}
    for each in executed:
        for scan in scans(each.plan):
            if scan.table in {*GROWING, INDEX_ONLY} and is_bad(each.operation, scan):
                found.setdefault(each.sql, f"{scan} in {each}")
    if found:
        pytest.fail("\n\n".join(found.values()), pytrace=False)
