"""On a distributed PostgreSQL, every statement of a frequent operation names its shards by the keys that it binds.

A statement with one key goes to one shard; one with many can be sent to each shard with the keys stored there.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import pytest
from sqlalchemy import UniqueConstraint

from oms.domain.concepts import metadata
from tests.system.hot_path.auto_explain import Executed
from tests.system.hot_path.operations import COMMANDS_AND_WORK, ONE_ORDER
from tests.system.shards.keys import placements
from tests.system.shards.routing import Routed, routed

HOT: Final = {*COMMANDS_AND_WORK, *ONE_ORDER} - {"list of booked shipments"}
OF_ONE_ORDER: Final = {
    "placeOrder", "acceptAmendedOrder", "cancelOrder", "dispatchShipment", "deliverShipment", "failShipment",
    "order in detail", "order page", "courier's shipment",
}  # fmt: skip

ACROSS: Final = {
    ("worker", "work"): "a claim takes due work of any order",
    ("live", "order_events"): "once a second each web process reads the events of all orders",
}
"""By the start of the operation's name, and the table: what reads all shards. docs/guides/scaling.md plans for it."""

WITHOUT_KEY: Final = {"pk_customers"}
"""Constraints that a distributed database could not enforce; docs/guides/scaling.md says what does then."""

_COLUMNS: Final = {table.name: [column.name for column in table.columns] for table in metadata.tables.values()}
_KEYS: Final = {table: placed.key for table, placed in placements().items() if placed.key}
_VALUE: Final = re.compile(r"(\$\d+) = (?:NULL|'((?:[^']|'')*)')")


def test_every_table_has_a_placement() -> None:
    assert placements().keys() == metadata.tables.keys()


def test_unique_constraints_contain_the_key() -> None:
    lacking = {
        str(constraint.name)
        for table, key in _KEYS.items()
        for constraint in metadata.tables[table].constraints
        if constraint is metadata.tables[table].primary_key or isinstance(constraint, UniqueConstraint)
        if key not in constraint.columns
    }
    assert lacking == WITHOUT_KEY


def test_every_statement_names_its_shards(executed: list[Executed]) -> None:
    wrong = {
        each.sql: f"{each.operation}: no key leads to {place.table} in\n{each.sql}"
        for each, places in _hot(executed)
        for place in places
        if not place.by and not _exception(each, place)
    }
    if wrong:
        pytest.fail("\n\n".join(wrong.values()), pytrace=False)


def test_no_statement_joins_tables_on_different_shards(executed: list[Executed]) -> None:
    placed = placements()
    wrong = {
        each.sql: f"{each.operation}: {sorted({place.table for place in places})} are stored apart in\n{each.sql}"
        for each, places in _hot(executed)
        if len({placed[place.table].of for place in places if not _exception(each, place)}) > 1
    }
    if wrong:
        pytest.fail("\n\n".join(wrong.values()), pytrace=False)


def test_operations_on_one_order_name_one_shard_of_orders(executed: list[Executed]) -> None:
    of_orders = {table for table, placed in placements().items() if placed.of == placements()["orders"].of}
    counts = {
        (each.operation, each.sql): len(_bound_keys(each, places))
        for each, all_places in _hot(executed)
        if each.operation in OF_ONE_ORDER
        if (places := [place for place in all_places if place.table in of_orders and not _exception(each, place)])
    }
    assert len(counts) > 20
    assert {statement: count for statement, count in counts.items() if count != 1} == {}


def test_every_exception_is_needed(executed: list[Executed]) -> None:
    needed = {_exception(each, place) for each, places in _hot(executed) for place in places if not place.by}
    assert needed - {None} == ACROSS.keys()


def _hot(executed: list[Executed]) -> Iterator[tuple[Executed, list[Routed]]]:
    for each in executed:
        if each.operation in HOT:
            yield each, routed(each.sql, _KEYS, _COLUMNS)


def _exception(each: Executed, place: Routed) -> tuple[str, str] | None:
    return next((one for one in ACROSS if each.operation.startswith(one[0]) and place.table == one[1]), None)


def _bound_keys(each: Executed, places: list[Routed]) -> set[str]:
    values: Mapping[str, str] = dict(_VALUE.findall(each.values))
    bound = [values[name] for place in places for name in place.by]
    return {key for value in bound for key in value.strip("{}").split(",") if key}
