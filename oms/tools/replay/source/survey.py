"""Reads the order files once before anything is placed: which catalogue and stock they need."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from oms.tools.replay.source.cart_order import CartOrder
from oms.tools.replay.source.files import orders, product_names, warehouse_names
from oms.tools.replay.source.opening_stock import Demand, Place


class Product(NamedTuple):
    """A catalogue entry. `unit_price_minor`: the highest price in the files."""

    sku: str
    name: str
    unit_price_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Survey:
    """The number of orders in the files, and the catalogue and stock that they need."""

    orders_count: int
    warehouses: Mapping[str, str]
    products: tuple[Product, ...]
    opening_stock: Mapping[Place, int]


def survey(paths: Iterable[Path], *, anonymous: bool = False) -> Survey:
    """Reads all files. Raises: UnreadableSource."""
    demand = Demand()
    products: dict[str, Product] = {}
    warehouses: dict[str, str] = {}
    orders_count = 0
    for path in paths:
        names: dict[str, str] | None = None
        for order in orders([path], anonymous=anonymous):
            if not isinstance(order, CartOrder):
                continue
            if names is None:
                names = product_names(path, order.source)
                warehouses |= warehouse_names(path, order.source)
            orders_count += 1
            demand.add(order)
            _price(products, order, names)
    return Survey(orders_count, warehouses, tuple(products.values()), demand.opening_stock())


def _price(products: dict[str, Product], order: CartOrder, names: Mapping[str, str]) -> None:
    for line in order.lines:
        known = products.get(line.sku)
        if known is None or known.unit_price_minor < line.unit_price_minor:
            name = names.get(line.sku) or line.name or line.sku
            products[line.sku] = Product(line.sku, name, line.unit_price_minor, order.currency)
