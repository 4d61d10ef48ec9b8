"""Figures of a period, from sums that were kept for each quarter of an hour."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

SLOT: Final = timedelta(minutes=15)
"""Sums are kept for each; periods begin and end with one."""

HOUR: Final = timedelta(hours=1)
DOOR_SLOT: Final = HOUR
"""Of the times to the door, which need many rows."""

BUCKET: Final = 1.1
"""Each bucket of times to the door reaches to this multiple of the one before, so a median is right to 5 %."""


class Measure(StrEnum):
    """What is summed up. TAKEN: charged less refunded, in minor units by currency. DOOR: deliveries by bucket."""

    PLACED = "PLACED"
    DELIVERED = "DELIVERED"
    TAKEN = "TAKEN"
    DOOR = "DOOR"


@dataclass(frozen=True, slots=True)
class Period:
    """`begin` inclusive, `end` exclusive, UTC."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the part of a period that was counted; `known` is None if none of it was: unknown, which is not zero.

    `door_s`: the median seconds from an order's placing to the delivery of its shipments; None if none was delivered.
    """

    known: Period | None = None
    placed: int = 0
    delivered: int = 0
    taken_minor: Mapping[str, int] = field(default_factory=dict)
    door_s: float | None = None


UNKNOWN: Final = Figures()


def known_part(period: Period, counted: Period | None) -> Period | None:
    """The part of the period within what was counted."""
    if counted is None:
        return None
    begin, end = max(period.begin, counted.begin), min(period.end, counted.end)
    return Period(begin, end) if begin < end else None


def figures(known: Period, sums: Iterable[tuple[str, str, int]]) -> Figures:
    """From the sums of the period: measure, key (currency or bucket), amount."""
    by_measure: dict[str, dict[str, int]] = {measure: {} for measure in Measure}
    for measure, key, amount in sums:
        by_measure[measure][key] = amount
    return Figures(
        known,
        by_measure[Measure.PLACED].get("", 0),
        by_measure[Measure.DELIVERED].get("", 0),
        by_measure[Measure.TAKEN],
        median({int(bucket): amount for bucket, amount in by_measure[Measure.DOOR].items()}),
    )


def median(counts: Mapping[int, int]) -> float | None:
    """The middle of the bucket that has the median; None without any."""
    half, passed = sum(counts.values()) / 2, 0
    for bucket in sorted(counts):
        passed += counts[bucket]
        if passed >= half:
            return float(BUCKET ** (bucket + 0.5))
    return None


def hours(period: Period) -> list[Period]:
    """The hours of the period, counted from its beginning; the last one may be shorter."""
    number = math.ceil((period.end - period.begin) / HOUR)
    begins = [period.begin + place * HOUR for place in range(number)]
    return [Period(begin, min(begin + HOUR, period.end)) for begin in begins]


def slot_of(at: datetime, slot: timedelta = SLOT) -> datetime:
    """The beginning of the slot that the instant is in."""
    seconds = slot.total_seconds()
    return datetime.fromtimestamp(math.floor(at.timestamp() / seconds) * seconds, at.tzinfo)
