"""Shows the progress: bars on a terminal, else a line every few seconds."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from oms.tools.replay.ledger import Ledger

REFRESH_S = 0.5
LINE_EVERY_S = 5.0


async def show_progress(ledger: Ledger, console: Console, orders_count: int) -> None:
    """Updates the display until cancelled. `orders_count`: how many will be placed."""
    if console.is_terminal:
        await _bars(ledger, console, orders_count)
    else:
        await _lines(ledger, console, orders_count)


async def _bars(ledger: Ledger, console: Console, orders_count: int) -> None:
    with _progress(console) as progress:
        placed = progress.add_task("placed", total=orders_count, note="")
        final = progress.add_task("final", total=orders_count, note="")
        try:
            while True:
                _advance(progress, ledger, placed=placed, final=final)
                await asyncio.sleep(REFRESH_S)
        finally:
            _advance(progress, ledger, placed=placed, final=final)


@contextmanager
def _progress(console: Console) -> Iterator[Progress]:
    columns = (
        TextColumn("{task.description:>8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[note]}"),
    )
    with Progress(*columns, console=console) as progress:
        yield progress


def _advance(progress: Progress, ledger: Ledger, *, placed: TaskID, final: TaskID) -> None:
    progress.update(placed, completed=_answered(ledger), note=_note(ledger))
    progress.update(final, completed=len(ledger.orders) - len(ledger.open))


async def _lines(ledger: Ledger, console: Console, orders_count: int) -> None:
    while True:
        await asyncio.sleep(LINE_EVERY_S)
        final = len(ledger.orders) - len(ledger.open)
        answered = _answered(ledger)
        console.print(f"placed {answered} of {orders_count}, final {final}; {_note(ledger)}", soft_wrap=True)


def _answered(ledger: Ledger) -> int:
    return ledger.placed + ledger.repeated + ledger.refused.total() + ledger.failed.total()


def _note(ledger: Ledger) -> str:
    notes = {
        "repeated": ledger.repeated,
        "refused": ledger.refused.total(),
        "failed": ledger.failed.total(),
        "dispatched": ledger.couriers["dispatched"],
        "delivered": ledger.couriers["delivered"],
    }
    return ", ".join(f"{count} {name}" for name, count in notes.items() if count)
