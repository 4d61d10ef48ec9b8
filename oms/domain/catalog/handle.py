"""Loading the catalogue: all of a request or nothing."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from oms.db import Tx
from oms.domain.access.model import Operation, Viewer, require
from oms.domain.catalog import store
from oms.domain.catalog.model import Product, Warehouse
from oms.domain.refusal import Code, Problem, refuse_all

MOST_ENTRIES: Final = 1000

Entry = TypeVar("Entry")


async def upsert_warehouses(tx: Tx, viewer: Viewer, entries: Sequence[Warehouse]) -> int:
    """Returns how many were created or changed. Raises Refused: FORBIDDEN, INVALID."""
    require(viewer, Operation.SET_CATALOG)
    refuse_all(problems_of(entries, lambda w: (w.code,), Warehouse.problems))
    return await store.upsert_warehouses(tx, entries)


async def upsert_products(tx: Tx, viewer: Viewer, entries: Sequence[Product]) -> int:
    """Returns how many were created or changed. Raises Refused: FORBIDDEN, INVALID."""
    require(viewer, Operation.SET_CATALOG)
    refuse_all(problems_of(entries, lambda p: (p.sku,), Product.problems))
    return await store.upsert_products(tx, entries)


def problems_of(
    entries: Sequence[Entry],
    key: Callable[[Entry], tuple[str, ...]],
    problems: Callable[[Entry], Iterator[Problem]],
) -> Iterator[Problem]:
    """Too many entries, one named twice, and what is wrong with each."""
    if len(entries) > MOST_ENTRIES:
        yield Problem(Code.INVALID, f"{len(entries)} entries; send at most {MOST_ENTRIES} at once.", ("inputs",))
        return
    seen: set[tuple[str, ...]] = set()
    for index, entry in enumerate(entries):
        yield from (problem.under("inputs", index) for problem in problems(entry))
        if key(entry) in seen:
            message = f"{' in '.join(key(entry))} is named twice; send each once."
            yield Problem(Code.INVALID, message, ("inputs", str(index)))
        seen.add(key(entry))
