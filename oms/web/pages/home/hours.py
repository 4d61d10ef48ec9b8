"""The charts of the first page: today by the hour, against the same day a week ago."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from oms.platform.locale.language import gettext as _
from oms.platform.locale.time_zone import current_zone
from oms.web.pages.home.tiles import currencies, taken, written_in
from oms.web.pages.rendering import charts as drawing
from oms.web.pages.rendering.charts import Chart, Table, Value

OF_DAY: Final = 24
_MARKS: Final = (0, 6, 12, 18, 24)
_HOUR: Final = timedelta(hours=1)

Hours = Sequence[Mapping[str, Any]]


def charts(data: Mapping[str, Any], day: datetime, now: datetime) -> list[Chart]:
    """Money taken so far, in the currency that most was taken in, and orders of each hour."""
    hours, before = data["hours"], data["hoursLastWeek"]
    elapsed = (now.timestamp() - day.timestamp()) / _HOUR.total_seconds()
    names = [_clock(day, hour) for hour in range(OF_DAY + 1)]
    marks = [_clock(day, hour) for hour in _MARKS]
    most = max(currencies(data), key=lambda currency: _sum(hours, currency), default=None)
    money = [_taken(hours, before, most, elapsed, names, marks)] if most else []
    return [*money, _orders(hours, names, marks)]


def _taken(
    hours: Hours, before: Hours, currency: str, elapsed: float, names: Sequence[str], marks: Sequence[str]
) -> Chart:
    written = written_in(currency)
    amounts = [taken(currency)(hour) for hour in hours]
    today = list(drawing.running_total(amounts))
    last_week = list(drawing.running_total([taken(currency)(hour) for hour in before]))
    axis = drawing.axis(drawing.highest(today, last_week), written, least=100)
    places = [*map(float, range(len(hours))), min(elapsed, float(len(hours)))]
    parts = drawing.lines(list(zip(places, today, strict=True)), OF_DAY, axis.top)
    compared = drawing.lines(list(enumerate(last_week[: OF_DAY + 1])), OF_DAY, axis.top)
    rows = [
        (names[min(place, OF_DAY)], _cell(value, written), _cell(_at(last_week, place), written))
        for place, value in enumerate(today)
    ]
    return Chart(
        id="taken-by-hour",
        title=_("Taken (%(currency)s)") % {"currency": currency},
        said=_("Taken today: %(today)s so far; a week ago %(before)s by the end of the day.")
        % {"today": _cell(today[-1], written), "before": _cell(last_week[-1] if before else None, written)},
        ys=axis.labels,
        xs=marks,
        table=Table((_("Until"), _("Today"), _("A week ago")), rows),
        lines=[drawing.polyline(part) for part in parts if len(part) > 1],
        areas=[drawing.area(part) for part in parts if len(part) > 1],
        before=[drawing.polyline(part) for part in compared if len(part) > 1],
        gaps=drawing.gaps(amounts, OF_DAY),
        end=parts[-1][-1] if parts and today[-1] is not None else None,
    )


def _orders(hours: Hours, names: Sequence[str], marks: Sequence[str]) -> Chart:
    values: list[Value] = [hour["placed"] for hour in hours][:OF_DAY]
    axis = drawing.axis(drawing.highest(values))
    most = drawing.highest(values)
    said = _("No orders today so far.")
    if most:
        said = _("Orders of today by the hour: at most %(most)s, from %(hour)s on.") % {
            "most": f"{most:,.0f}", "hour": names[values.index(most)],
        }  # fmt: skip
    rows = [(names[place], _cell(value, "{:,.0f}".format)) for place, value in enumerate(values)]
    return Chart(
        id="orders-by-hour",
        title=_("Orders by the hour"),
        said=said,
        ys=axis.labels,
        xs=marks,
        table=Table((_("From"), _("Orders")), rows),
        bars=drawing.bars(values, OF_DAY, axis.top, [f"{hour}: {number}" for hour, number in rows]),
        gaps=drawing.gaps(values, OF_DAY),
    )


def _sum(hours: Hours, currency: str) -> float:
    return sum(taken(currency)(hour) or 0 for hour in hours)


def _at(values: Sequence[Value], place: int) -> Value:
    return values[place] if place < len(values) else None


def _cell(value: Value, written: drawing.Written) -> str:
    return _("unknown") if value is None else written(value)


def _clock(day: datetime, hour: int) -> str:
    """The end of the day is 24:00."""
    if hour == OF_DAY:
        return "24:00"
    return f"{datetime.fromtimestamp(day.timestamp() + hour * 3600, current_zone()):%H:%M}"
