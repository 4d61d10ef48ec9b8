"""Entries of a history, grouped by the day on which they happened."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any


def by_day(entries: Iterable[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Days in UTC as YYYY-MM-DD, each with its entries in their order; app.js regroups them by the reader's days.

    Each entry has the API's instant in UTC at "at".
    """
    return [(day, list(group)) for day, group in groupby(entries, lambda entry: str(entry["at"])[:10])]
