"""Setting the units on hand: a request is applied completely or not at all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from oms.domain.access.permissions import Viewer, require
from oms.domain.audit.model import Entry
from oms.domain.catalog import store as catalog_store
from oms.domain.catalog.commands import problems_of
from oms.domain.catalog.policy import CatalogPermission, CatalogReason
from oms.domain.catalog.record import record_changes
from oms.domain.inventory import store
from oms.domain.inventory.policy import InventoryAction, InventoryReason
from oms.domain.vocabulary.errors import InputReason, Problem, refuse_all
from oms.domain.vocabulary.texts.checks import CODE_LENGTH, check_text
from oms.domain.vocabulary.wording import wording
from oms.platform.db import Tx

MAX_ON_HAND: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class StockCount:
    """Units counted on a shelf, allocated ones included. `expected`: refuse unless so many are on hand now."""

    sku: str
    warehouse_code: str
    on_hand: int
    expected: int | None = None

    def problems(self) -> Iterator[Problem]:
        yield from check_text(self.sku, "sku", max_length=CODE_LENGTH)
        yield from check_text(self.warehouse_code, "warehouseCode", max_length=CODE_LENGTH)
        if not 0 <= self.on_hand <= MAX_ON_HAND:
            yield Problem(
                InputReason.OUT_OF_RANGE,
                wording("onHand is from 0 to {max_on_hand}.", max_on_hand=MAX_ON_HAND),
                ("onHand",),
            )


async def set_stock(tx: Tx, viewer: Viewer, counts: Sequence[StockCount]) -> int:
    """Returns how many were created or changed.

    Raises Refused: FORBIDDEN; INVALID; CONFLICT below what is allocated, or if not as many are on hand as expected.
    """
    require(viewer, CatalogPermission.SET_CATALOG)
    refuse_all(problems_of(counts, lambda c: (c.sku, c.warehouse_code), StockCount.problems))
    products = await catalog_store.of_skus(tx, {count.sku for count in counts})
    codes = await catalog_store.known_warehouses(tx, {count.warehouse_code for count in counts})
    refuse_all(
        problem
        for index, count in enumerate(counts)
        for problem in _unknown(index, count, sku=count.sku in products, warehouse=count.warehouse_code in codes)
    )
    held = await store.lock_rows(tx, [(count.sku, count.warehouse_code) for count in counts])
    refuse_all(
        problem
        for index, count in enumerate(counts)
        for problem in _conflicts(index, count, *held[count.sku, count.warehouse_code])
    )
    changed = [count for count in counts if held[count.sku, count.warehouse_code][0] != count.on_hand]
    await store.set_on_hand(tx, [(count.sku, count.warehouse_code, count.on_hand) for count in changed])
    await record_changes(tx, viewer, [_change(count, held[count.sku, count.warehouse_code][0]) for count in changed])
    return len(changed)


def _change(count: StockCount, on_hand: int) -> Entry:
    subject = f"{count.sku} in {count.warehouse_code}"
    return Entry(InventoryAction.StockSet, subject, {"onHand": on_hand}, {"onHand": count.on_hand})


def _unknown(index: int, count: StockCount, *, sku: bool, warehouse: bool) -> Iterator[Problem]:
    where = ("inputs", str(index))
    if not sku:
        message = wording("There is no product with the SKU {sku!r}; add it to the catalogue first.", sku=count.sku)
        yield Problem(CatalogReason.UNKNOWN_PRODUCT, message, (*where, "sku"))
    if not warehouse:
        message = wording(
            "There is no warehouse {warehouse_code!r}; add it first.", warehouse_code=count.warehouse_code
        )
        yield Problem(CatalogReason.UNKNOWN_WAREHOUSE, message, (*where, "warehouseCode"))


def _conflicts(index: int, count: StockCount, on_hand: int, allocated: int) -> Iterator[Problem]:
    where = ("inputs", str(index))
    if count.expected is not None and count.expected != on_hand:
        message = wording(
            "{on_hand} are on hand, not {expected}: read the stock again, then repeat.",
            on_hand=on_hand,
            expected=count.expected,
        )
        yield Problem(InventoryReason.STOCK_CHANGED, message, (*where, "expectedOnHand"))
    if count.on_hand < allocated:
        message = wording("{allocated} units are allocated to orders; set at least that many.", allocated=allocated)
        yield Problem(InventoryReason.BELOW_ALLOCATED, message, (*where, "onHand"))
