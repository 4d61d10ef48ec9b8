"""Folding in SQL: parts of an order whose events come several times, planted beside the shipments."""

from typing import Final

import pytest

from oms.tools.check.check import Check
from oms.tools.check.folding import naming_another_change, not_folding_to
from oms.tools.check.machines import Machine, Transition
from oms.tools.check.snapshot import examine
from tests.tools.check.conftest import Connection, HonestShop

RETURN: Final = Machine(
    "REQUESTED",
    (
        Transition("REQUESTED", "ReturnApproved", "APPROVED"),
        Transition("APPROVED", "UnitsReceived", "APPROVED", repeats=True),
        Transition("APPROVED", "ReturnReceived", "RECEIVED"),
        Transition("REQUESTED", "ReturnRejected", "REJECTED"),
    ),
)
"""A part that lives on after its order is closed."""

CHECKS: Final = (
    Check(
        "5",
        "Folding its events gives a return's status",
        "returns",
        "returns",
        not_folding_to(
            RETURN, "return", row="returns r", order="r.order_id", subject="'return/' || r.number", status="r.status"
        ),
    ),
    Check("5", "Returns' events name their changes", "events", "order_events", naming_another_change(RETURN, "return")),
)

APPROVED: Final = ("ReturnApproved", '{"from": "REQUESTED", "to": "APPROVED"}')
RECEIVED: Final = ("ReturnReceived", '{"from": "APPROVED", "to": "RECEIVED"}')
UNITS: Final = ("UnitsReceived", "{}")


async def plant(connection: Connection, shop: HonestShop, status: str, events: tuple[tuple[str, str], ...]) -> None:
    """One return of a closed order, and its events at the end of the order's."""
    order = shop.orders["completed"]
    await connection.execute("CREATE TABLE returns (order_id uuid, number int, status text)")
    await connection.execute("INSERT INTO returns VALUES ($1, 1, $2)", order, status)
    for event, data in events:
        await connection.execute(
            """
            INSERT INTO order_events (order_id, seq, at, type, actor, actor_role, subject, data, transaction)
            SELECT order_id, seq + 1, clock_timestamp(), $2, 'ana', 'CUSTOMER', 'return/1', $3, transaction
            FROM order_events WHERE order_id = $1 ORDER BY seq DESC LIMIT 1
            """,
            order,
            event,
            data,
        )
        await connection.execute("UPDATE orders SET last_seq = last_seq + 1 WHERE id = $1", order)


@pytest.mark.parametrize("received", [0, 1, 5])
async def test_an_event_may_come_any_number_of_times(
    connection: Connection, honest_shop: HonestShop, received: int
) -> None:
    await plant(connection, honest_shop, "RECEIVED", (APPROVED, *[UNITS] * received, RECEIVED))
    assert [result.first for result in await examine(connection, CHECKS)] == [[], []]


async def test_the_rules_of_orders_accept_a_part_that_lives_on_after_closing(
    connection: Connection, honest_shop: HonestShop
) -> None:
    await plant(connection, honest_shop, "APPROVED", (APPROVED, UNITS, UNITS))
    assert [(result.holds, result.first) for result in await examine(connection) if result.is_violation] == []


@pytest.mark.parametrize(
    ("status", "events"),
    [
        ("APPROVED", (UNITS, APPROVED)),
        ("RECEIVED", (APPROVED, RECEIVED, UNITS)),
        ("RECEIVED", (APPROVED, RECEIVED, RECEIVED)),
        ("RECEIVED", (APPROVED, UNITS, UNITS)),
        ("APPROVED", ()),
    ],
    ids=["before it may come", "after it may come", "an event that does not repeat", "another status", "no event"],
)
async def test_an_impossible_sequence_is_reported(
    connection: Connection, honest_shop: HonestShop, status: str, events: tuple[tuple[str, str], ...]
) -> None:
    await plant(connection, honest_shop, status, events)
    folding, naming = await examine(connection, CHECKS)
    assert folding.found_count == 1
    assert f"{status}, its events give" in folding.first[0].what
    assert honest_shop.orders["completed"].hex in folding.first[0].id
    assert naming.found_count == 0


@pytest.mark.parametrize(
    ("event", "data"),
    [("UnitsReceived", '{"from": "APPROVED", "to": "RECEIVED"}'), ("LabelPrinted", '{"to": "APPROVED"}')],
    ids=["a change that it did not cause", "an event without a status"],
)
async def test_an_event_that_names_another_change_is_reported(
    connection: Connection, honest_shop: HonestShop, event: str, data: str
) -> None:
    await plant(connection, honest_shop, "APPROVED", (APPROVED, UNITS, (event, data)))
    folding, naming = await examine(connection, CHECKS)
    assert (folding.found_count, naming.found_count) == (0, 1)
