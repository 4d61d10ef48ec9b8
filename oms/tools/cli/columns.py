"""Lists on the terminal: columns as wide as what stands in them, also for programs that read them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import typer


def print_columns(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A line of heads, then one for each row; what is empty shows as a dash."""
    table = [list(heads), *([cell or "–" for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(heads))]
    for row in table:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def instant(at: datetime | None) -> str:
    """UTC, to the second; empty for none."""
    return "" if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")
