"""The first page of support and managers: figures of today, and what needs attention."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer, may
from oms.domain.figures.policy import FiguresPermission
from oms.domain.fraud.policy import FraudPermission
from oms.domain.parked.policy import ParkedPermission
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.permission import Permission, Reach
from oms.domain.work.policy import WorkPermission
from oms.platform.locale.language import gettext as _
from oms.platform.locale.language import ngettext
from oms.platform.locale.time_zone import current_zone
from oms.web.pages.declarations import Entry, Pages, page
from oms.web.pages.home.hours import charts
from oms.web.pages.home.tiles import duration, is_new, known, tiles
from oms.web.pages.rendering.site import Site

WEEK: Final = timedelta(days=7)
QUARTER: Final = timedelta(minutes=15)


class Act(NamedTuple):
    """Where a line of Needs attention leads."""

    label: str
    address: str


class HomePages(Pages):
    """/home."""

    within = frozenset({Reach.ALL})

    def __init__(self, site: Site) -> None:
        self._site = site

    @page(
        "/home",
        needs=FiguresPermission.READ_FIGURES,
        entry=Entry("Home", Role.SUPPORT, Role.MANAGER, icon="home", key="h"),
    )
    async def home(self, request: Request, viewer: Viewer) -> Response:
        now = datetime.now(current_zone())
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        data = await self._site.query(viewer, "home/index", _periods(day, now))
        since, until = known(data["today"], day, now)
        return self._site.render(
            request, viewer, "home/index", day=day, now=now.isoformat(), tiles=tiles(data), since=since, until=until,
            is_new=is_new(data), charts=charts(data, day, now),
            attention=[(each, _act(viewer, each), _left(each, now)) for each in data["attention"]],
        )  # fmt: skip


def _periods(day: datetime, now: datetime) -> dict[str, str]:
    """The variables of home/index.graphql. Days are those of the reader's zone, compared until
    the last full quarter of an hour.
    """
    quarter = now - (now - day) % QUARTER
    instants = {
        "day": day,
        "now": quarter + QUARTER,
        "quarter": quarter,
        "weekAgo": day - WEEK,
        "weekAgoEnd": day - WEEK + timedelta(days=1),
        "weekAgoQuarter": quarter - WEEK,
        **{f"d{number}": day - timedelta(days=number) for number in range(1, 7)},
    }
    return {name: instant.isoformat() for name, instant in instants.items()}


_ACTS: Final[Mapping[str, tuple[str, Permission]]] = {
    "PARKED": ("/support/chosen?do=retry&stuck=all", ParkedPermission.MEND_WORK),
    "MAINTENANCE": ("/manager/maintenance?to=off", FraudPermission.SET_FRAUD),
    "ANSWER_RUNS_OUT": ("/support?view=awaiting&sort=oldest", WorkPermission.READ_OPERATIONS),
}


def _act(viewer: Viewer, attention: Mapping[str, Any]) -> Act | None:
    """What the viewer may do about all of them, else the oldest to look at."""
    cause, number = attention["cause"], attention["count"]
    if cause in _ACTS and may(viewer, _ACTS[cause][1]):
        labels = {
            "PARKED": ngettext("Retry it …", "Retry all %(number)s …", number) % {"number": number},
            "MAINTENANCE": _("End maintenance …"),
            "ANSWER_RUNS_OUT": _("Show them"),
        }
        return Act(labels[cause], _ACTS[cause][0])
    if attention["orders"]:
        return Act(_("Show the oldest"), f"/support/orders/{attention['orders'][0]['id']}")
    return None


def _left(attention: Mapping[str, Any], now: datetime) -> str | None:
    """Until the first of them runs out."""
    if not attention["until"]:
        return None
    return duration(max(0.0, (datetime.fromisoformat(attention["until"]) - now).total_seconds()))
