"""A replay shows its progress."""

import asyncio
import io

import pytest
from rich.console import Console

from oms.tools.replay import progress
from oms.tools.replay.ledger import Ledger


async def shown(ledger: Ledger, *, in_terminal: bool) -> str:
    console = Console(file=io.StringIO(), force_terminal=in_terminal, width=120)
    showing = asyncio.create_task(progress.show_progress(ledger, console, 40))
    await asyncio.sleep(0.1)
    showing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await showing
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture
def ledger() -> Ledger:
    ledger = Ledger(placed=30, repeated=2)
    ledger.refused["INVALID"] = 1
    ledger.couriers["dispatched"] = 5
    return ledger


async def test_a_terminal_shows_bars(ledger: Ledger) -> None:
    text = await shown(ledger, in_terminal=True)
    assert "33/40" in text
    assert "5 dispatched" in text


async def test_a_log_gets_plain_lines(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.02)
    text = await shown(ledger, in_terminal=False)
    assert "placed 33 of 40, final 0; 2 repeated, 1 refused, 5 dispatched\n" in text
