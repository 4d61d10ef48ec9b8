"""A violation of each check, planted in an honest shop, is reported by exactly that check."""

from string import Template

import pytest

from oms.tools.check.check import Kind
from oms.tools.check.rules import ALL, modules_in
from oms.tools.check.snapshot import examine
from tests.tools.check import plants
from tests.tools.check.conftest import Connection, HonestShop
from tests.tools.check.plants.plant import Plant

PLANTS: tuple[Plant, ...] = tuple(
    plant for module in modules_in(plants.__path__, plants.__name__) for plant in getattr(module, "PLANTS", ())
)


async def sow(connection: Connection, shop: HonestShop, sql: str) -> None:
    ids = {name: f"'{order_id}'::uuid" for name, order_id in shop.orders.items()}
    await connection.execute(Template(sql).substitute(ids))


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: f"{plant.rule}: {plant.change}")
async def test_a_violation_is_reported_by_its_check(
    connection: Connection, honest_shop: HonestShop, plant: Plant
) -> None:
    await sow(connection, honest_shop, plant.sql)
    violated = [result for result in await examine(connection) if result.is_violation]
    assert plant.rule in {result.rule for result in violated}
    unexpected = [(r.holds, r.first) for r in violated if not r.holds.startswith(plant.reported)]
    silent = [start for start in plant.reported if not any(result.holds.startswith(start) for result in violated)]
    assert (unexpected, silent) == ([], [])
    assert all(result.first[0].id and result.first[0].what for result in violated)


def test_every_check_reports_a_planted_violation() -> None:
    starts = tuple(start for plant in PLANTS for start in plant.reported)
    assert [check.holds for check in ALL if check.kind == Kind.RULE and not check.holds.startswith(starts)] == []


async def test_charges_up_to_the_limit_are_allowed(connection: Connection, honest_shop: HonestShop) -> None:
    await connection.execute(
        """UPDATE fraud_events SET after = after || '{"limit": 15000}' WHERE after->>'currency' = 'USD'"""
    )
    await connection.execute("""UPDATE fraud_settings SET limits = limits || '{"USD": 15000}'""")
    assert [result.holds for result in await examine(connection) if result.is_violation] == []


async def test_a_value_that_is_no_number_is_a_violation(connection: Connection, honest_shop: HonestShop) -> None:
    change = 'UPDATE order_events SET data = data || \'{"amount": "much"}\' WHERE order_id = $booked'
    await sow(connection, honest_shop, f"{change} AND type = 'ShipmentCharged'")
    violated = [result for result in await examine(connection) if result.is_violation]
    assert {result.rule for result in violated} == {"2"}
    assert any("cannot be read" in found.what for result in violated for found in result.first)


async def test_only_the_first_few_of_many_are_shown_and_all_are_counted(
    connection: Connection, honest_shop: HonestShop
) -> None:
    await connection.execute("UPDATE order_lines SET unit_price_minor = -1")
    [result] = [result for result in await examine(connection) if result.holds.startswith("A line has")]
    assert (len(result.first), result.found_count) == (5, result.rows_count)
