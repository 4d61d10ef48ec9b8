"""The replay's counts add up, whatever the shop does. The shop is a test double."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest
from rich.console import Console

from oms.platform.settings import Settings
from oms.tools.replay import command
from oms.tools.replay.choices import Answer, Delivery, answer_to_amendment, changes_mind, delivery_of
from oms.tools.replay.command import Options
from oms.tools.replay.report import Report
from tests.tools.replay.conftest import WriteFile, olist_row
from tests.tools.replay.shop_double import ShopDouble, served


@pytest.fixture(autouse=True)
def _tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    async def token(role: str, name: str) -> str:
        return f"{role}-{name}"

    monkeypatch.setattr(command, "token", token)


def order_file(write_file: WriteFile, rows: list[dict[str, Any]]) -> Path:
    warehouses = {item["warehouse_id"] for row in rows for item in row["items"]}
    skus = {item["sku"] for row in rows for item in row["items"]}
    write_file("warehouses.jsonl.gz", [{"warehouse_id": w, "city": "c", "state": "S"} for w in warehouses])
    write_file("sku_warehouses.jsonl.gz", [{"sku": s, "category": None, "category_en": None} for s in skus])
    return write_file("orders.jsonl.gz", rows)


def one_sku(sku: str, warehouse: str = "w1") -> dict[str, Any]:
    return {"sku": sku, "warehouse_id": warehouse, "quantity": 1, "unit_price_cents": 100}


def replay(shop: ShopDouble, *files: Path, **options: Any) -> Report:
    with served(shop) as url:
        given = Options(files=files, url=url, **({"wait_s": 5.0} | options))
        return asyncio.run(command.replay(given, Settings(), Console(quiet=True)))


def plain_references(count: int) -> list[str]:
    """Order numbers whose customers and couriers do nothing special."""
    numbers = (f"n{number}" for number in range(10_000))
    plain = (
        number
        for number in numbers
        if not changes_mind(f"olist-{number}") and delivery_of(f"olist-{number}", "w1") is Delivery.DELIVERED
    )
    return [next(plain) for _ in range(count)]


def test_every_row_is_accounted_for_and_every_order_delivered(write_file: WriteFile) -> None:
    placed = [olist_row(number) for number in plain_references(60)]
    path = order_file(write_file, [*placed, olist_row("none", items=[])])

    report = replay(ShopDouble(), path)

    assert (report.rows_read, report.placed, report.no_orders) == (61, 60, {"no items": 1})
    assert report.statuses["COMPLETED"] == 60
    assert report.couriers == {"dispatched": 60, "delivered": 60}
    assert report.is_clean
    assert report.place_ms_p99 is not None
    assert report.booked_ms_p99 is not None


@pytest.mark.parametrize("bulk", [1, 7])
def test_a_second_run_finds_the_orders_of_the_first_and_adds_no_stock(write_file: WriteFile, bulk: int) -> None:
    path = order_file(write_file, [olist_row(number) for number in plain_references(20)])
    shop = ShopDouble()
    replay(shop, path, bulk=bulk)

    report = replay(shop, path, bulk=bulk)

    assert (report.placed, report.repeated) == (0, 20)
    assert report.statuses["COMPLETED"] == 20
    assert sum(shop.stock.values()) == 0
    assert report.is_clean


def test_restocking_adds_the_opening_stock_to_the_present_stock(write_file: WriteFile) -> None:
    path = order_file(write_file, [olist_row(number) for number in plain_references(20)])
    shop = ShopDouble()
    replay(shop, path)

    replay(shop, path, restock=True)

    assert sum(shop.stock.values()) == 20


def test_a_limited_run_places_no_more_than_its_limit_and_a_later_one_the_rest(write_file: WriteFile) -> None:
    path = order_file(write_file, [olist_row(number) for number in plain_references(20)])
    shop = ShopDouble()

    first = replay(shop, path, limit=8)
    second = replay(shop, path)

    assert (first.rows_read, first.placed) == (8, 8)
    assert (second.rows_read, second.placed, second.repeated) == (20, 12, 8)
    assert second.statuses["COMPLETED"] == 20


def test_a_request_with_a_lost_answer_is_retried_and_its_order_counted_once(write_file: WriteFile) -> None:
    path = order_file(write_file, [olist_row(number) for number in plain_references(40)])
    shop = ShopDouble(lose_every=3)

    report = replay(shop, path)

    assert (report.placed, report.repeated, len(shop.orders)) == (40, 0, 40)
    assert report.requests_retried > 0
    assert report.is_clean


def test_a_refusal_is_counted_by_code_and_place_and_shown(write_file: WriteFile) -> None:
    good, bad = plain_references(2)
    path = order_file(write_file, [olist_row(good), olist_row(bad, items=[one_sku("unknown")])])

    report = replay(ShopDouble(refuse_sku="unknown"), path)

    assert report.refused == {"NOT_FOUND lines.sku": 1}
    assert report.examples == [f"olist-{bad}: NOT_FOUND Unknown SKU."]
    assert report.placed == 1
    assert report.is_clean


def test_an_order_that_meets_a_bug_of_the_server_is_counted_and_the_run_is_not_clean(
    write_file: WriteFile,
) -> None:
    good, bad = plain_references(2)
    path = order_file(write_file, [olist_row(good), olist_row(bad, items=[one_sku("poison")])])

    report = replay(ShopDouble(fault_sku="poison"), path)

    assert report.failed == {"INTERNAL": 1}
    assert report.statuses["COMPLETED"] == 1
    assert not report.is_clean


def test_customers_of_amended_orders_accept_cancel_or_do_not_answer(write_file: WriteFile) -> None:
    numbers = plain_references(60)
    both = [one_sku("there"), one_sku("gone")]
    path = order_file(write_file, [olist_row(number, items=both) for number in numbers])
    shop = ShopDouble(stock={("gone", "w1"): 0})

    report = replay(shop, path)

    answers = [answer_to_amendment(f"olist-{number}") for number in numbers]
    assert report.amended == 60
    assert report.statuses == {
        "COMPLETED": answers.count(Answer.ACCEPT),
        "FAILED": 0,
        "CANCELLED": answers.count(Answer.CANCEL),
        "TIMED_OUT": answers.count(Answer.NONE),
    }
    assert report.is_clean


def test_an_amendment_without_any_units_is_not_accepted(write_file: WriteFile) -> None:
    numbers = plain_references(30)
    path = order_file(write_file, [olist_row(number, items=[one_sku("gone")]) for number in numbers])

    report = replay(ShopDouble(stock={("gone", "w1"): 0}), path)

    assert report.statuses["COMPLETED"] == 0
    assert report.customers["cancelled: nothing to accept"] > 0
    assert report.is_clean


def test_a_customer_whose_deadline_is_too_far_cancels(write_file: WriteFile) -> None:
    path = order_file(write_file, [olist_row(n, items=[one_sku("gone")]) for n in plain_references(30)])

    report = replay(ShopDouble(stock={("gone", "w1"): 0}, action_s=3600), path)

    assert report.statuses["TIMED_OUT"] == 0
    assert report.customers["cancelled: deadline too far to wait for"] > 0
    assert report.is_clean


def test_an_order_that_never_ends_is_listed_and_the_run_is_not_clean(write_file: WriteFile) -> None:
    (number,) = plain_references(1)
    path = order_file(write_file, [olist_row(number)])

    report = replay(ShopDouble(is_stuck=True), path, wait_s=1.0)

    assert report.still_open == [f"olist-{number} PROCESSING"]
    assert not report.is_clean


def test_an_order_canceled_in_the_source_is_cancelled_or_too_late(write_file: WriteFile) -> None:
    path = order_file(write_file, [olist_row(n, status="canceled") for n in plain_references(20)])

    report = replay(ShopDouble(), path)

    assert sum(report.customers.values()) == 20
    assert report.statuses["CANCELLED"] + report.statuses["COMPLETED"] == 20


def test_couriers_fail_what_was_never_collected_or_refused(write_file: WriteFile) -> None:
    fates = {delivery_of(f"olist-n{n}", "w1"): f"n{n}" for n in range(2_000) if not changes_mind(f"olist-n{n}")}
    path = order_file(write_file, [olist_row(number) for number in fates.values()])

    report = replay(ShopDouble(), path)

    assert report.couriers == {"dispatched": 2, "delivered": 1, "never collected": 1, "refused at the door": 1}
    assert (report.statuses["COMPLETED"], report.statuses["FAILED"]) == (1, 2)


def test_an_unreachable_server_ends_the_replay_with_a_message(
    write_file: WriteFile, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "RETRY_FOR_S", 0.3)
    path = order_file(write_file, [olist_row("n1")])

    code = command.run(Options(files=[path], url="http://127.0.0.1:9"), Settings())

    assert code == command.COULD_NOT_RUN
    assert "no answer" in capfd.readouterr().err


def test_the_report_is_a_table_for_people_and_json_for_programs(
    write_file: WriteFile, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = order_file(write_file, [olist_row(number) for number in plain_references(3)])
    json_file = tmp_path / "report.json"

    with served(ShopDouble()) as url:
        code = command.run(Options(files=[path], url=url, json_file=json_file), Settings())

    assert code == command.CLEAN
    shown = capfd.readouterr()
    assert "orders/s placed" in shown.out
    assert orjson.loads(json_file.read_bytes())["placed"] == 3
