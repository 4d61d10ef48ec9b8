"""Changing the catalogue: a request is applied completely or not at all."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Final, TypeVar

from oms.domain.access.permissions import Viewer, require
from oms.domain.audit.model import Entry
from oms.domain.catalog import store
from oms.domain.catalog.model import Product, Warehouse
from oms.domain.catalog.policy import CatalogAction, CatalogPermission
from oms.domain.catalog.record import record_changes
from oms.domain.vocabulary.errors import InputReason, Problem, refuse_all
from oms.domain.vocabulary.wording import wording
from oms.platform.db import Tx

MAX_ENTRIES: Final = 1000

Input = TypeVar("Input")


async def upsert_warehouses(tx: Tx, viewer: Viewer, entries: Sequence[Warehouse]) -> int:
    """Returns how many were created or changed. Raises Refused: FORBIDDEN, INVALID."""
    require(viewer, CatalogPermission.SET_CATALOG)
    refuse_all(problems_of(entries, lambda w: (w.code,), Warehouse.problems))
    changed = await store.upsert_warehouses(tx, entries)
    await record_changes(
        tx, viewer, [_entry(CatalogAction.WarehouseChanged, new.code, old, new) for old, new in changed]
    )
    return len(changed)


async def upsert_products(tx: Tx, viewer: Viewer, entries: Sequence[Product]) -> int:
    """Returns how many were created or changed. Raises Refused: FORBIDDEN, INVALID."""
    require(viewer, CatalogPermission.SET_CATALOG)
    refuse_all(problems_of(entries, lambda p: (p.sku,), Product.problems))
    changed = await store.upsert_products(tx, entries)
    await record_changes(tx, viewer, [_entry(CatalogAction.ProductChanged, new.sku, old, new) for old, new in changed])
    return len(changed)


def _entry(action: CatalogAction, subject: str, old: Product | Warehouse | None, new: Product | Warehouse) -> Entry:
    """An audit entry; of a row that existed, only the values that changed."""
    before, after = (asdict(old) if old else None), asdict(new)
    if before:
        different = {name for name, value in after.items() if value != before[name]}
        before, after = ({name: values[name] for name in sorted(different)} for values in (before, after))
    return Entry(action, subject, before, after)


def problems_of(
    entries: Sequence[Input],
    key: Callable[[Input], tuple[str, ...]],
    problems: Callable[[Input], Iterator[Problem]],
) -> Iterator[Problem]:
    """What is wrong with the number of entries, with each of them, and which occur twice."""
    if len(entries) > MAX_ENTRIES:
        yield Problem(
            InputReason.TOO_MANY,
            wording(
                "{number} entries; send at most {max_entries} at once.", number=len(entries), max_entries=MAX_ENTRIES
            ),
            ("inputs",),
        )
        return
    seen: set[tuple[str, ...]] = set()
    for index, entry in enumerate(entries):
        yield from (problem.under("inputs", index) for problem in problems(entry))
        if key(entry) in seen:
            message = wording("{entry} occurs twice; send each entry once.", entry=" in ".join(key(entry)))
            yield Problem(InputReason.GIVEN_TWICE, message, ("inputs", str(index)))
        seen.add(key(entry))
