"""The rules are discovered: a new concept's rules are one new file."""

from types import ModuleType
from typing import Final

from oms.tools.check import rules
from oms.tools.check.check import Check
from oms.tools.check.rules import ALL, checks_of, modules_in
from oms.tools.check.snapshot import examine
from tests.tools.check.conftest import Connection, HonestShop

WORK: Final = "INSERT INTO work (subject_id, part, queue, step, due_at) VALUES ($1, 2, 'returns', 'RECEIVE', now())"


def new_rules(step: str) -> ModuleType:
    """What a file about returns could define."""
    module = ModuleType("returns")
    module.CHECKS = (Check("1", "A return ends", "returns", "orders", "SELECT 'none', 'none' WHERE false"),)  # type: ignore[attr-defined]
    module.CALLED_FOR = (f"SELECT id, 2, 'returns', '{step}', false FROM orders WHERE status = 'COMPLETED'",)  # type: ignore[attr-defined]
    return module


def test_every_file_of_the_folder_is_found() -> None:
    found = modules_in(rules.__path__, rules.__name__)
    assert checks_of(found) == ALL
    assert {check.rule for check in ALL} >= {str(number) for number in range(1, 10)}


async def test_the_checks_of_a_new_file_come_with_the_others(connection: Connection, honest_shop: HonestShop) -> None:
    await connection.execute(WORK, honest_shop.orders["completed"])
    for step, violated in (("RECEIVE", 0), ("REFUND", 1)):
        checks = checks_of((*modules_in(rules.__path__, rules.__name__), new_rules(step)))
        results = await examine(connection, checks)
        assert "A return ends" in [result.holds for result in results]
        assert sum(result.found_count for result in results if result.is_violation) == violated


async def test_work_that_no_file_knows_is_a_violation(connection: Connection, honest_shop: HonestShop) -> None:
    await connection.execute(WORK, honest_shop.orders["completed"])
    [violated] = [result for result in await examine(connection) if result.is_violation]
    assert violated.holds.startswith("Work is called for")
