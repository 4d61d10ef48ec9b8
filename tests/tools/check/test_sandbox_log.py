"""The sandbox's log is evidence from outside: its charges, refunds and bookings must be those of the database."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from oms.tools.check.check import Result
from oms.tools.check.sandbox.evidence import checks_of
from oms.tools.check.sandbox.log import FILE_NAME, Effect, UnreadableLog, effects, last_id, subject_of
from oms.tools.check.snapshot import examine
from tests.tools.check.conftest import Connection, HonestShop

KEYS, CHARGES, REFUNDS, BOOKINGS = range(4)


def of(shop: HonestShop, name: str, number: int = 1) -> tuple[UUID, int]:
    return shop.orders[name], number


def without(subject: tuple[UUID, int], operation: str) -> Callable[[Effect], Iterator[Effect]]:
    def keep(effect: Effect) -> Iterator[Effect]:
        if (effect.subject, effect.operation) != (subject, operation):
            yield effect

    return keep


def changed(subject: tuple[UUID, int], operation: str, **values: object) -> Callable[[Effect], Iterator[Effect]]:
    def change(effect: Effect) -> Iterator[Effect]:
        hit = (effect.subject, effect.operation) == (subject, operation)
        yield replace(effect, **values) if hit else effect  # type: ignore[arg-type]  # fields by name

    return change


def repeated(subject: tuple[UUID, int], at: str, **values: object) -> Callable[[Effect], Iterator[Effect]]:
    def repeat(effect: Effect) -> Iterator[Effect]:
        yield effect
        if (effect.subject, effect.operation) == (subject, at):
            yield replace(effect, **values)  # type: ignore[arg-type]  # fields by name

    return repeat


@pytest.fixture(scope="module")
def log(honest_shop: HonestShop) -> list[Effect]:
    path = honest_shop.folder / FILE_NAME
    return effects(path, early_until=last_id(path) or 0)


async def compare(connection: Connection, found: Sequence[Effect]) -> list[Result]:
    return list(await examine(connection, checks_of(found)))


CHANGES = [
    ("declined, and taken here", CHARGES, lambda s: changed(of(s, "booked"), "charge", granted=False)),
    ("a charge that never was", CHARGES, lambda s: without(of(s, "booked"), "charge")),
    ("charged twice", CHARGES, lambda s: repeated(of(s, "booked"), "charge")),
    ("another amount", CHARGES, lambda s: changed(of(s, "booked"), "charge", amount_minor=1)),
    ("taken, and declined here", CHARGES, lambda s: changed(of(s, "declined"), "charge", granted=True)),
    ("a refund that never was", REFUNDS, lambda s: without(of(s, "refunded"), "refund")),
    ("refunded twice", REFUNDS, lambda s: repeated(of(s, "refunded"), "refund")),
    ("refunded too little", REFUNDS, lambda s: changed(of(s, "refunded"), "refund", amount_minor=1)),
    ("a booking that never was", BOOKINGS, lambda s: without(of(s, "booked"), "book")),
    ("another tracking number", BOOKINGS, lambda s: changed(of(s, "booked"), "book", tracking_number="T")),
    ("still held for a cancelled shipment", BOOKINGS, lambda s: without(of(s, "refunded"), "release")),
    ("released though it is booked", BOOKINGS, lambda s: repeated(of(s, "booked"), "book", operation="release")),
]  # fmt: skip


@pytest.mark.parametrize(("title", "place", "change"), CHANGES, ids=[title for title, *_ in CHANGES])
async def test_a_log_that_differs_is_reported(
    connection: Connection,
    honest_shop: HonestShop,
    log: list[Effect],
    title: str,
    place: int,
    change: Callable[[HonestShop], Callable[[Effect], Iterator[Effect]]],
) -> None:
    entries = [entry for effect in log for entry in change(honest_shop)(effect)]
    results = await compare(connection, entries)
    assert results[place].found_count >= 1
    assert [result.found_count for result in results if result is not results[place]] == [0, 0, 0]


async def test_a_charge_for_an_unknown_shipment_is_reported(connection: Connection, log: list[Effect]) -> None:
    lost = replace(next(effect for effect in log if effect.operation == "charge"), subject=(uuid4(), 1))
    results = await compare(connection, [*log, lost])
    assert [result.found_count for result in results] == [1, 0, 0, 0]


async def test_calls_after_the_snapshot_may_be_unknown(
    connection: Connection, honest_shop: HonestShop, log: list[Effect]
) -> None:
    stranger = replace(log[0], subject=(uuid4(), 1), is_early=False)
    taken = changed(of(honest_shop, "declined"), "charge", granted=True, is_early=False)
    results = await compare(connection, [*(entry for effect in log for entry in taken(effect)), stranger])
    assert [result.found_count for result in results] == [0, 0, 0, 0]


def test_a_key_names_its_shipment() -> None:
    order = uuid4()
    for key in (f"{order.hex}-2-charge", f"shp_{order.hex}_2", f"charge:{order}:2", f"{order}/2"):
        assert subject_of(key) == (order, 2), key
    for key in ("", "charge-1", f"{order.hex}", f"a{order.hex}-2"):
        assert subject_of(key) is None, key


def test_without_a_file_there_is_no_log(tmp_path: Path) -> None:
    assert last_id(tmp_path / FILE_NAME) is None


def test_a_file_of_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.parent.mkdir()
    path.write_text("no database at all, but long enough to be looked at")
    with pytest.raises(UnreadableLog, match="cannot be read"):
        last_id(path)
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE calls (id, operation, key, request, answer, charge_key, outcome)")
        connection.execute("INSERT INTO calls VALUES (1, 'charge', 'k', 'no JSON', '{}', NULL, 'EFFECT')")
    with pytest.raises(UnreadableLog, match="cannot be parsed"):
        effects(path, early_until=1)
