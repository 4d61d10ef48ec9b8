"""Entries of a history, grouped by the day on which they happened."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from oms.platform.locale.time_zone import current_zone


def by_day(entries: Iterable[Mapping[str, Any]]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Days as YYYY-MM-DD, each with its entries in their order. Each entry has the API's instant at "at".

    In the zone of the request; where nobody chose one, app.js regroups them by the browser's days.
    """

    def day_of(entry: Mapping[str, Any]) -> str:
        return datetime.fromisoformat(entry["at"]).astimezone(current_zone()).date().isoformat()

    return [(day, list(group)) for day, group in groupby(entries, day_of)]
