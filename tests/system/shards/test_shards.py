"""On a distributed PostgreSQL: what is executed for every order names the shards of the keys that it is given.

What is given one key goes to one shard; what is given many can be sent to each shard with the keys that lie there.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import pytest
from sqlalchemy import UniqueConstraint

from oms.domain.concepts import metadata
from tests.system.hot_path.telling import Executed
from tests.system.hot_path.ways import COMMANDS_AND_WORK, ONE_ORDER
from tests.system.shards.keys import placements
from tests.system.shards.routing import Reached, reached

HOT: Final = {*COMMANDS_AND_WORK, *ONE_ORDER} - {"list of what is booked"}
OF_ONE_ORDER: Final = {
    "placeOrder", "acceptAmendedOrder", "cancelOrder", "dispatchShipment", "deliverShipment", "failShipment",
    "order in detail", "order page", "courier's shipment",
}  # fmt: skip

ACROSS: Final = {
    ("worker", "work"): "a claim takes what is due, whosever it is",
    ("live", "order_events"): "once a second each web process reads what all have changed",
}
"""By how the way begins and the table: what names no shard. docs/guides/scaling.md says what to do about each."""

WITHOUT_KEY: Final = {"pk_customers"}
"""What the database could no longer hold unique; docs/guides/scaling.md says who does then."""

_COLUMNS: Final = {table.name: [column.name for column in table.columns] for table in metadata.tables.values()}
_KEYS: Final = {table: placed.key for table, placed in placements().items() if placed.key}
_VALUE: Final = re.compile(r"(\$\d+) = (?:NULL|'((?:[^']|'')*)')")


def test_every_table_is_placed() -> None:
    assert placements().keys() == metadata.tables.keys()


def test_what_is_unique_is_so_within_a_key() -> None:
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
        each.sql: f"{each.way}: {place.table} is reached by no key in\n{each.sql}"
        for each, places in _hot(executed)
        for place in places
        if not place.by and not _exception(each, place)
    }
    if wrong:
        pytest.fail("\n\n".join(wrong.values()), pytrace=False)


def test_no_statement_joins_what_lies_apart(executed: list[Executed]) -> None:
    placed = placements()
    wrong = {
        each.sql: f"{each.way}: {sorted({place.table for place in places})} lie apart in\n{each.sql}"
        for each, places in _hot(executed)
        if len({placed[place.table].of for place in places if not _exception(each, place)}) > 1
    }
    if wrong:
        pytest.fail("\n\n".join(wrong.values()), pytrace=False)


def test_what_is_about_one_order_names_one_shard_of_orders(executed: list[Executed]) -> None:
    of_orders = {table for table, placed in placements().items() if placed.of == placements()["orders"].of}
    counts = {
        (each.way, each.sql): len(_keys_given(each, places))
        for each, all_places in _hot(executed)
        if each.way in OF_ONE_ORDER
        if (places := [place for place in all_places if place.table in of_orders and not _exception(each, place)])
    }
    assert len(counts) > 20
    assert {asked: count for asked, count in counts.items() if count != 1} == {}


def test_nothing_is_excepted_that_need_not_be(executed: list[Executed]) -> None:
    needed = {_exception(each, place) for each, places in _hot(executed) for place in places if not place.by}
    assert needed - {None} == ACROSS.keys()


def _hot(executed: list[Executed]) -> Iterator[tuple[Executed, list[Reached]]]:
    for each in executed:
        if each.way in HOT:
            yield each, reached(each.sql, _KEYS, _COLUMNS)


def _exception(each: Executed, place: Reached) -> tuple[str, str] | None:
    return next((one for one in ACROSS if each.way.startswith(one[0]) and place.table == one[1]), None)


def _keys_given(each: Executed, places: list[Reached]) -> set[str]:
    values: Mapping[str, str] = dict(_VALUE.findall(each.values))
    given = [values[name] for place in places for name in place.by]
    return {key for value in given for key in value.strip("{}").split(",") if key}
