"""An honest shop is clean, whatever has happened to its orders."""

from oms.tools.check.check import Kind
from oms.tools.check.rules import ALL
from oms.tools.check.sandbox.log import FILE_NAME
from oms.tools.check.snapshot import examine, run_checks
from tests.tools.check.conftest import Connection, HonestShop, plain

STATUSES = {
    "PENDING", "CUSTOMER_ACTION_REQUIRED", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT",
}  # fmt: skip


async def test_an_honest_shop_with_orders_in_every_status_is_clean(honest_shop: HonestShop) -> None:
    report = await run_checks(plain(honest_shop.url), honest_shop.folder / FILE_NAME)
    assert [(result.holds, result.first) for result in report.violated] == []


async def test_the_honest_shop_has_rows_for_every_check(connection: Connection) -> None:
    results = await examine(connection)
    assert [result.holds for result in results if result.rows_count == 0] == []
    assert {row[0] for row in await connection.fetch("SELECT DISTINCT status FROM orders")} == STATUSES


async def test_every_rule_of_the_domain_has_a_check() -> None:
    assert {check.rule for check in ALL if check.kind == Kind.RULE} >= {str(number) for number in range(1, 10)}


async def test_each_check_has_its_own_sentence(connection: Connection) -> None:
    assert len({check.holds for check in ALL}) == len(ALL)


async def test_parked_work_is_a_note_and_no_violation(connection: Connection, honest_shop: HonestShop) -> None:
    [note] = [result for result in await examine(connection) if result.holds.startswith("Parked work waits")]
    assert (note.is_violation, note.found_count) == (False, 1)
    assert honest_shop.orders["parked"].hex in note.first[0].id
    assert "the answer got lost" in note.first[0].what


async def test_a_missing_sandbox_log_is_reported(honest_shop: HonestShop) -> None:
    report = await run_checks(plain(honest_shop.url), honest_shop.folder / "none.sqlite")
    assert any("there is no sandbox log" in remark for remark in report.remarks)
