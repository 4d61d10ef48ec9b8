"""However many orders there are, no statement of a frequent operation reads more rows than it needs."""

from collections.abc import Callable, Collection
from typing import Final

import pytest

from oms.domain.concepts import metadata
from oms.domain.order_queries.counts import MAX_COUNTED
from tests.system.hot_path.auto_explain import Executed
from tests.system.hot_path.large_tables import SMALL
from tests.system.hot_path.operations import COMMANDS_AND_WORK, COUNTS, LISTS, ONE_ORDER
from tests.system.hot_path.plan import INDEX_ONLY, Scan, scans

pytestmark = pytest.mark.random_order(disabled=True)

GROWING: Final = metadata.tables.keys() - SMALL
MAX_ROWS: Final = 500
"""A page, a batch of orders with all their rows, or what workers hold. The tables have twenty thousand rows."""


def test_no_growing_table_is_scanned_completely(executed: list[Executed]) -> None:
    _must_have_none(executed, lambda scan: scan.how == "Seq Scan")


def test_no_statement_reads_many_rows_to_find_few(executed: list[Executed]) -> None:
    counts = [each for each in executed if each.operation in COUNTS]
    _must_have_none([each for each in executed if each.operation not in COUNTS], lambda scan: scan.rows > MAX_ROWS)
    _must_have_none(
        counts, lambda scan: scan.rows > MAX_COUNTED + 1 or ("Only" not in scan.how and scan.rows > MAX_ROWS)
    )


def test_every_operation_executes_statements(executed: list[Executed]) -> None:
    assert {each.operation for each in executed} == {*COMMANDS_AND_WORK, *ONE_ORDER, *LISTS, *COUNTS}


def test_every_table_that_grows_with_orders_is_read(executed: list[Executed]) -> None:
    seen = {scan.table for each in executed for scan in scans(each.plan)}
    assert {"orders", "order_lines", "order_events", "shipments", "allocations", "work", "stock", "tallies"} <= seen


def _must_have_none(executed: Collection[Executed], is_bad: Callable[[Scan], bool]) -> None:
    """Reports each statement with a bad scan once, with its plan."""
    found: dict[str, str] = {}
    for each in executed:
        for scan in scans(each.plan):
            if scan.table in {*GROWING, INDEX_ONLY} and is_bad(scan):
                found.setdefault(each.sql, f"{scan} in {each}")
    if found:
        pytest.fail("\n\n".join(found.values()), pytrace=False)
