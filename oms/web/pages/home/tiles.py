"""The tiles of the first page: figures of today against the same time a week ago, from the API's figures."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from oms.platform.locale.language import gettext as _
from oms.web.pages.rendering.formatting import money

DAYS: Final = ("day6", "day5", "day4", "day3", "day2", "day1")
"""The whole days before today, the earliest first. Of a younger shop, the hours of today are drawn instead."""

_LATE: Final = timedelta(minutes=5)
_STEADY: Final = 0.005
"""A change below this share is called none."""

Value = Callable[[Mapping[str, Any]], float | None]


class Change(NamedTuple):
    """Against the same time a week ago. `tone`: good, bad or none."""

    text: str
    tone: str


class Tile(NamedTuple):
    """`figure` None: unknown. `change` None: the time to compare with was not counted. `points`: y of 0 to 100."""

    label: str
    figure: str | None
    change: Change | None
    points: Sequence[tuple[float, float]]
    said: str


def tiles(data: Mapping[str, Any]) -> list[Tile]:
    """Orders, money by currency, deliveries and the median time to the door."""
    amounts = [_tile(data, _("Taken"), taken(currency), written_in(currency)) for currency in currencies(data)]
    return [
        _tile(data, _("Orders"), lambda figures: figures["placed"], "{:,.0f}".format),
        *(amounts or [_tile(data, _("Taken"), lambda figures: 0 if figures["taken"] is not None else None, str)]),
        _tile(data, _("Delivered"), lambda figures: figures["delivered"], "{:,.0f}".format),
        _tile(data, _("Median time to the door"), lambda figures: figures["medianSecondsToDoor"], duration, less=True),
    ]


def known(figures: Mapping[str, Any], begin: datetime, now: datetime) -> tuple[str | None, str | None]:
    """Since and until when today was counted, where that is less than the day so far; None: all of it."""
    if not figures["knownFrom"]:
        return None, None
    since, until = figures["knownFrom"], figures["knownUntil"]
    is_late = datetime.fromisoformat(until) < now - _LATE
    return since if datetime.fromisoformat(since) > begin else None, until if is_late else None


def duration(seconds: float) -> str:
    """In the two largest units that matter."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return _("%(seconds)s s") % {"seconds": round(seconds)}
    if minutes < 60:
        return _("%(minutes)s min") % {"minutes": minutes}
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": minutes}
    days, hours = divmod(hours, 24)
    return _("%(days)s d %(hours)s h") % {"days": days, "hours": hours}


def _tile(
    data: Mapping[str, Any], label: str, value: Value, written: Callable[[float], str], *, less: bool = False
) -> Tile:
    today = value(data["today"])
    days = [value(data[day]) for day in DAYS]
    change = None
    if _is_whole(data["lastWeek"], data["sameToday"]):
        change = _change(value(data["sameToday"]), value(data["lastWeek"]), less=less)
    said = _("%(label)s of the six days before today: %(values)s")
    if not (drawn := points(days)):
        days = [value(hour) for hour in data["hours"]]
        drawn, said = points(days), _("%(label)s of the hours of today: %(values)s")
    values = [written(each) if each is not None else _("unknown") for each in days]
    said %= {"label": label, "values": ", ".join(values)}
    return Tile(label, None if today is None else written(today), change, drawn, said)


def _is_whole(*periods: Mapping[str, Any]) -> bool:
    """Whether the same length of both days was counted, so that they can be compared."""
    lengths = [
        datetime.fromisoformat(each["knownUntil"]) - datetime.fromisoformat(each["knownFrom"])
        for each in periods
        if each["knownFrom"]
    ]
    return len(lengths) == len(periods) and len(set(lengths)) == 1


def _change(now: float | None, before: float | None, *, less: bool) -> Change | None:
    """`less`: a smaller figure is the better one."""
    if now is None or not before:
        return None
    share = (now - before) / abs(before)
    if abs(share) < _STEADY:
        return Change(_("the same"), "")
    rises = share > 0
    return Change(f"{'▲' if rises else '▼'} {abs(share):.0%}", "good" if rises != less else "bad")


def points(values: Sequence[float | None]) -> list[tuple[float, float]]:
    """Of a line in a box of 100 × 100, y downwards; days that were not counted are left out, not drawn as 0."""
    present = [value for value in values if value is not None]
    if len(present) < 2:
        return []
    low, high = min(present), max(present)
    span = (high - low) or 1
    return [
        (round(100 * place / (len(values) - 1), 1), round(100 - 100 * (value - low) / span, 1) if high > low else 50.0)
        for place, value in enumerate(values)
        if value is not None
    ]


def is_new(data: Mapping[str, Any]) -> bool:
    """Whether a week without a single order lies behind the shop."""
    periods = [data[name] for name in ("today", "lastWeek", *DAYS)]
    return not any(period["placed"] or period["delivered"] for period in periods)


def currencies(data: Mapping[str, Any]) -> list[str]:
    """Those in which money was taken today, or by this time a week ago."""
    amounts = [*(data["today"]["taken"] or ()), *(data["lastWeek"]["taken"] or ())]
    return sorted({amount["currency"] for amount in amounts})


def taken(currency: str) -> Value:
    def value(figures: Mapping[str, Any]) -> float | None:
        if figures["taken"] is None:
            return None
        return next((each["amount"] for each in figures["taken"] if each["currency"] == currency), 0)

    return value


def written_in(currency: str) -> Callable[[float], str]:
    return lambda minor: money({"amount": int(minor), "currency": currency})
