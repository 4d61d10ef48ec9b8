"""Order files of a few rows, in the format of the source data."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

WriteFile = Callable[[str, list[dict[str, Any]]], Path]


def olist_row(number: str = "o1", **changes: Any) -> dict[str, Any]:
    item = {"line": 1, "sku": "sku-a", "warehouse_id": "w1", "quantity": 1, "unit_price_cents": 1090}
    row = {
        "order_id": number,
        "source": "olist",
        "customer_id": "c1",
        "customer_city": "curitiba",
        "customer_state": "PR",
        "customer_zip_prefix": "80030",
        "currency": "BRL",
        "status": "delivered",
        "items": [item],
    }
    return row | changes


def uci_item(line: int = 1, **changes: Any) -> dict[str, Any]:
    item = {"line": line, "sku": "85123A", "description": "WHITE HOLDER", "quantity": 6, "unit_price_cents": 255}
    return item | changes


def uci_row(number: str = "536365", **changes: Any) -> dict[str, Any]:
    row = {
        "order_id": number,
        "source": "uci",
        "type": "order",
        "customer_id": "17850",
        "customer_country": "United Kingdom",
        "currency": "GBP",
        "status": "invoiced",
        "items": [uci_item()],
    }
    return row | changes


@pytest.fixture
def write_file(tmp_path: Path) -> WriteFile:
    """Writes rows as gzipped JSON Lines into one folder."""

    def write(name: str, rows: list[dict[str, Any]]) -> Path:
        path = tmp_path / name
        path.write_bytes(gzip.compress(b"".join(orjson.dumps(row) + b"\n" for row in rows)))
        return path

    return write
