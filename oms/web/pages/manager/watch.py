"""Charts of the last hours of operations, from the samples that workers wrote: one each minute."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from oms.platform.locale.language import gettext as _
from oms.web.pages.rendering import charts as drawing
from oms.web.pages.rendering.charts import Chart, Table, Value
from oms.web.pages.rendering.formatting import instant

HOURS: Final = 4
SLOT: Final = timedelta(minutes=5)
SLOTS: Final = HOURS * 12
MINUTE: Final = timedelta(minutes=1)

Sample = Mapping[str, Any]


def charts(samples: Sequence[Sample], begin: datetime, now: datetime, queue: str | None) -> list[Chart]:
    """Workers, backlog and completed orders. `queue` None: the fewest workers of any, the backlog of all."""
    return [
        _chart("workers", _("Workers"), samples, begin, now, lambda sample: min(_loads(sample, "workers", queue)), min),
        _chart("backlog", _("Backlog"), samples, begin, now, lambda sample: sum(_loads(sample, "backlog", queue)), max),
        _chart("completed", _("Orders completed"), samples, begin, now, lambda sample: sample["completed"], sum),
    ]


def _loads(sample: Sample, figure: str, queue: str | None) -> list[int]:
    """0 of a queue that there was not yet."""
    return [each[figure] for each in sample["queues"] if queue in (None, each["name"])] or [0]


def _chart(
    name: str, title: str, samples: Sequence[Sample], begin: datetime, now: datetime, value: Callable[[Sample], float],
    chosen: Callable[[Sequence[float]], float],
) -> Chart:  # fmt: skip
    values = slotted(samples, begin, now, value, chosen)
    times = [instant((begin + place * SLOT).isoformat(), clock=True) for place in range(len(values))]
    axis = drawing.axis(drawing.highest(values))
    return Chart(
        id=name,
        title=title,
        said=_said(title, values),
        ys=axis.labels,
        xs=[instant((begin + timedelta(hours=hour)).isoformat(), clock=True) for hour in range(HOURS + 1)],
        table=Table((_("From"), title), [(at, _written(each)) for at, each in zip(times, values, strict=True)]),
        bars=drawing.bars(values, SLOTS, axis.top, [_written(each) for each in values]),
        gaps=drawing.gaps(values, SLOTS),
    )


def slotted(
    samples: Sequence[Sample], begin: datetime, now: datetime, value: Callable[[Sample], float],
    chosen: Callable[[Sequence[float]], float],
) -> list[Value]:  # fmt: skip
    """One value for each five minutes so far; None where no worker watched. The present ones count once watched."""
    found: defaultdict[int, list[float]] = defaultdict(list)
    for sample in samples:
        found[int((datetime.fromisoformat(sample["at"]) - begin) / SLOT)].append(value(sample))
    present = int((now - begin) / SLOT)
    return drawing.slotted(found, present + 1 if found.get(present) else present, chosen)


def _said(title: str, values: Sequence[Value]) -> str:
    known = [value for value in values if value is not None]
    minutes = (len(values) - len(known)) * int(SLOT / MINUTE)
    if not known:
        return _("%(what)s: unknown, no worker watched.") % {"what": title}
    said = _("%(what)s in the last hours: lately %(latest)s, at least %(least)s, at most %(most)s.") % {
        "what": title, "latest": _written(known[-1]), "least": _written(min(known)), "most": _written(max(known)),
    }  # fmt: skip
    if minutes:
        said += " " + _("For %(minutes)s minutes no worker watched.") % {"minutes": minutes}
    return said


def _written(value: Value) -> str:
    return _("unknown") if value is None else f"{value:,.0f}"
