"""Reads source files line by line, and finds the files that describe warehouses and SKUs beside them."""

import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson

from oms.tools.replay.source import olist, uci
from oms.tools.replay.source.cart_order import CartOrder, NoOrder, Row


class UnreadableSource(Exception):
    """A file that is missing, or not in the format of the source data. The message says which and where."""


def rows(path: Path) -> Iterator[Row]:
    """The objects of a .jsonl or .jsonl.gz file, one at a time. Raises: UnreadableSource."""
    number = 0
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
            for line in lines:
                number += 1
                yield orjson.loads(line)
    except FileNotFoundError as error:
        raise UnreadableSource(f"{path} does not exist.") from error
    except (OSError, EOFError) as error:
        raise UnreadableSource(f"{path} cannot be read: {error}.") from error
    except orjson.JSONDecodeError as error:
        raise UnreadableSource(f"{path}, line {number}: not JSON ({error}).") from error


def orders(paths: Iterable[Path], *, anonymous: bool = False) -> Iterator[CartOrder | NoOrder]:
    """All rows of the order files, converted. Raises: UnreadableSource."""
    for path in paths:
        for number, row in enumerate(rows(path), start=1):
            try:
                yield _order(row, anonymous=anonymous)
            except (KeyError, TypeError, ValueError) as error:
                raise UnreadableSource(f"{path}, line {number}: not a row of Olist or UCI ({error!r}).") from error


def _order(row: Row, *, anonymous: bool) -> CartOrder | NoOrder:
    match row["source"]:
        case olist.SOURCE:
            return olist.read_order(row)
        case uci.SOURCE:
            return uci.read_order(row, anonymous=anonymous)
        case unknown:
            raise ValueError(f"source {unknown}")


def product_names(path: Path, source: str) -> dict[str, str]:
    """Names by SKU, from the file beside the order file. Raises: UnreadableSource."""
    module = olist if source == olist.SOURCE else uci
    names = ((row["sku"], module.product_name(row)) for row in rows(path.with_name(module.SKUS_FILE)))
    return {sku: name for sku, name in names if name}


def warehouse_names(path: Path, source: str) -> dict[str, str]:
    """Names of the source's warehouses by code, from the file beside the order file. Raises: UnreadableSource."""
    if source == uci.SOURCE:
        return dict(uci.WAREHOUSES)
    beside = path.with_name(olist.WAREHOUSES_FILE)
    return {row["warehouse_id"]: olist.warehouse_name(row) for row in rows(beside)}
