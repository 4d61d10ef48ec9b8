"""Order files are read row by row, with the files that describe their warehouses and SKUs."""

from pathlib import Path

import pytest

from oms.tools.replay.source.files import UnreadableSource, orders, rows
from oms.tools.replay.source.survey import survey
from tests.tools.replay.conftest import WriteFile, olist_row, uci_item, uci_row

SAMPLE = Path(__file__).resolve().parents[4] / "shared/data/sample"


def test_a_survey_names_warehouses_and_products_from_the_files_beside(write_file: WriteFile) -> None:
    path = write_file("orders.jsonl.gz", [olist_row("o1"), olist_row("o2", items=[])])
    write_file("warehouses.jsonl.gz", [{"warehouse_id": "w1", "city": "santo andre", "state": "SP"}])
    write_file("sku_warehouses.jsonl.gz", [{"sku": "sku-a", "category": "x", "category_en": "garden_tools"}])

    found = survey([path])

    assert found.orders_count == 1
    assert found.warehouses == {"w1": "Seller in santo andre, SP"}
    assert [(p.sku, p.name, p.unit_price_minor, p.currency) for p in found.products] == [
        ("sku-a", "garden tools sku-a", 1090, "BRL")
    ]


def test_a_product_costs_its_highest_price_and_falls_back_to_the_lines_name(write_file: WriteFile) -> None:
    items = [uci_item(1, unit_price_cents=200), uci_item(2, unit_price_cents=300)]
    path = write_file("orders.jsonl.gz", [uci_row(items=items)])
    write_file("skus.jsonl.gz", [{"sku": "85123A", "description": None}])

    (product,) = survey([path]).products

    assert (product.unit_price_minor, product.name) == (300, "WHITE HOLDER")


def test_a_file_may_be_plain_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "orders.jsonl"
    path.write_text('{"a": 1}\n{"a": 2}\n')
    assert [row["a"] for row in rows(path)] == [1, 2]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        ("not json\n", "line 1: not JSON"),
        ('{"source": "elsewhere"}\n', "line 1: not a row of Olist or UCI"),
        ('{"source": "olist"}\n', "line 1: not a row of Olist or UCI"),
        ("[]\n", "line 1: not a row of Olist or UCI"),
    ],
)
def test_a_file_that_cannot_be_read_says_where_and_why(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "orders.jsonl"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UnreadableSource, match=message):
        list(orders([path]))


def test_a_truncated_gzip_file_is_reported(tmp_path: Path, write_file: WriteFile) -> None:
    path = write_file("orders.jsonl.gz", [olist_row(str(number)) for number in range(100)])
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UnreadableSource, match="cannot be read"):
        list(orders([path]))


@pytest.mark.skipif(not SAMPLE.exists(), reason="the sample of real orders is not here")
def test_every_row_of_the_sample_is_an_order_or_has_a_reason() -> None:
    found = survey([SAMPLE / "olist/orders.jsonl.gz", SAMPLE / "uci/orders.jsonl.gz"])

    assert found.orders_count == 1_914 + 1_520
    assert len(found.warehouses) == 3_095 + 3
    assert sum(units == 0 for units in found.opening_stock.values()) > 0
