"""What the address of the list of orders says: its view, the filters that are on, its sort and its place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple, Self
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from oms.domain.order.model import ORDER, OrderStatus
from oms.domain.vocabulary.wording import wording
from oms.platform.locale.language import gettext as _
from oms.web.pages.rendering.formatting import status_texts

LIST: Final = "/support"
MAX_CHOSEN: Final = 100
"""Orders that one bulk action concerns: as many as one filter of the API may name."""

_MAX_PLACE: Final = 10**9
_YEARS: Final = range(2000, 2100)


class View(NamedTuple):
    """A tab: the filter of the API that it stands for, and how it is sorted unless the address says."""

    label: str
    filter: Mapping[str, Any]
    sort: str = "newest"


def _of(*statuses: OrderStatus) -> dict[str, Any]:
    return {"status": [str(status) for status in statuses]}


VIEWS: Final[Mapping[str, View]] = {
    "": View(wording("All"), {}),
    "open": View(wording("Open"), _of(*sorted(ORDER.open)), "waiting"),
    "attention": View(wording("Needs attention"), {"needsAttention": True}),
    "awaiting": View(wording("Awaiting customer"), _of(OrderStatus.CUSTOMER_ACTION_REQUIRED)),
    "processing": View(wording("Processing"), _of(OrderStatus.PROCESSING)),
    "completed": View(wording("Completed"), _of(OrderStatus.COMPLETED)),
    "ended": View(
        wording("Failed or cancelled"), _of(OrderStatus.FAILED, OrderStatus.CANCELLED, OrderStatus.TIMED_OUT)
    ),
}
"""By ?view=. The counts of support/index_counts.graphql have these names."""

SORTS: Final[Mapping[str, tuple[str, str]]] = {
    "newest": ("NEWEST_FIRST", wording("Newest")),
    "oldest": ("OLDEST_FIRST", wording("Oldest")),
    "waiting": ("WAITING_LONGEST", wording("Longest waiting")),
    "total": ("LARGEST_TOTAL", wording("Largest total")),
}
"""By ?sort=: the API's sort, and its name."""


class Chip(NamedTuple):
    """A filter that is on; `without`: the address of the list without it."""

    name: str
    value: str
    without: str


class Link(NamedTuple):
    """A choice, such as a tab or a sort."""

    label: str
    address: str
    is_current: bool
    number: Mapping[str, Any] | None = None


class BadAddress(Exception):
    """The address of a list that cannot be: the message says why."""


@dataclass(frozen=True, slots=True)
class OrderList:
    """The list as its address describes it. `since`: when the reader opened it; later orders wait until they ask."""

    view: str = ""
    search: str = ""
    statuses: tuple[str, ...] = ()
    placed_from: date | None = None
    placed_to: date | None = None
    customer: str = ""
    sort: str = ""
    after: str | None = None
    place: int = 0
    orders: tuple[str, ...] = ()
    since: datetime = field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def of(cls, query: QueryParams) -> Self:
        """Raises BadAddress."""
        after, place = query.get("after"), query.get("at", "")
        found = cls(
            view=query.get("view", ""),
            search=query.get("q", "").strip(),
            statuses=tuple(dict.fromkeys(status for status in query.getlist("status") if status)),
            placed_from=_day(query.get("from", "")),
            placed_to=_day(query.get("to", "")),
            customer=query.get("customer", ""),
            sort=query.get("sort", ""),
            after=after,
            place=min(int(place), _MAX_PLACE) if after and place.isascii() and place.isdigit() else 0,
            orders=tuple(dict.fromkeys(query.getlist("order")))[: MAX_CHOSEN + 1],
        )
        for status in found.statuses:
            if status not in status_texts("order"):
                raise BadAddress(_("There is no status %(status)s.") % {"status": status})
        if found.view not in VIEWS or (found.sort and found.sort not in SORTS):
            raise BadAddress(_("There is no such view or sort of orders."))
        return replace(found, since=_instant(query["since"])) if "since" in query else found

    @property
    def sorted_by(self) -> str:
        return "newest" if self.search else self.sort or VIEWS[self.view].sort

    @property
    def variables(self) -> dict[str, Any]:
        """Those of support/index.graphql and support/export.graphql, but for the length of a page."""
        return {
            "after": self.after,
            "filter": self.filter(until=self.since),
            "search": self.search or None,
            "sort": SORTS[self.sorted_by][0],
        }

    def filter(self, view: str | None = None, *, until: datetime | None = None, after: datetime | None = None) -> Any:
        """The API's filter: of a view, as it was at an instant, or what came in after it."""
        chosen = dict(VIEWS[self.view if view is None else view].filter)
        if self.statuses:
            chosen["status"] = [status for status in chosen.get("status", self.statuses) if status in self.statuses]
        begin = max(filter(None, (_midnight(self.placed_from), after)), default=None)
        end = min(filter(None, (_midnight(self.placed_to, days=1), until)), default=None)
        chosen |= {"placedFrom": begin.isoformat()} if begin else {}
        chosen |= {"placedTo": end.isoformat()} if end else {}
        chosen |= {"customerId": self.customer} if self.customer else {}
        return chosen | ({"ids": list(self.orders)} if self.orders else {})

    def address(self, path: str = LIST, /, **other: Any) -> str:
        """The list's address with other values; the first page of it, unless they say."""
        values = {
            "view": self.view,
            "q": self.search,
            "status": list(self.statuses),
            "from": self.placed_from,
            "to": self.placed_to,
            "customer": self.customer,
            "sort": self.sort,
        } | other
        query = urlencode({name: value for name, value in values.items() if value}, doseq=True)
        return f"{path}?{query}" if query else path

    @property
    def refresh(self) -> str:
        """The address by which an open page reloads itself: new orders wait behind a line above the list."""
        return self.address(after=self.after, at=self.place, since=self.since.isoformat())

    @property
    def fields(self) -> list[tuple[str, str]]:
        """For the hidden fields of the filters' form: what it does not ask for."""
        kept = (("view", self.view), ("q", self.search), ("customer", self.customer), ("sort", self.sort))
        return [(name, value) for name, value in kept if value]

    def tabs(self, counts: Mapping[str, Any] | None) -> list[Link]:
        """The views, with how many orders each has if they were counted."""
        return [
            Link(_(view.label), self.address(view=name, sort=""), name == self.view, (counts or {}).get(name or "all"))
            for name, view in VIEWS.items()
        ]

    def sorts(self) -> list[Link]:
        if self.search:
            return []
        chosen = self.sorted_by
        return [Link(_(label), self.address(sort=name), name == chosen) for name, (_name, label) in SORTS.items()]

    def chips(self) -> Iterator[Chip]:
        if self.search:
            yield Chip(_("Search"), self.search, self.address(q=""))
        for status in self.statuses:
            rest = [each for each in self.statuses if each != status]
            yield Chip(_("Status"), _(status_texts("order")[status].label), self.address(status=rest))
        if self.placed_from:
            yield Chip(_("Placed from"), self.placed_from.isoformat(), self.address(LIST, **{"from": None}))
        if self.placed_to:
            yield Chip(_("Placed until"), self.placed_to.isoformat(), self.address(to=None))
        if self.customer:
            yield Chip(_("Customer"), _("one customer"), self.address(customer=""))

    def older(self, page: Mapping[str, Any], shown: int) -> str | None:
        """The address of the next page."""
        info = page["pageInfo"]
        return self.address(after=info["endCursor"], at=self.place + shown) if info["hasNextPage"] else None


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if text else None
    except ValueError:
        raise BadAddress(_("Enter days as YYYY-MM-DD.")) from None
    if day and day.year not in _YEARS:
        raise BadAddress(_("Enter days of this century."))
    return day


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadAddress(_("The address has no valid time.")) from None
    if at.year not in _YEARS:
        raise BadAddress(_("The address has no valid time."))
    return at


def _midnight(day: date | None, *, days: int = 0) -> datetime | None:
    """The beginning of the day in UTC, or of one some days later."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=days) if day else None
