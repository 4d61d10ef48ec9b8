"""The time zone of a response: the reader's, else the shop's or UTC, which JavaScript turns into the browser's."""

from contextvars import ContextVar
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

UTC_NAME: Final = "UTC"

_REGIONS: Final = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)
_chosen: ContextVar[str | None] = ContextVar("time_zone", default=None)
_otherwise: ContextVar[str] = ContextVar("time_zone_otherwise", default=UTC_NAME)


@lru_cache
def time_zones() -> tuple[str, ...]:
    """The names that people may choose from: UTC and those of places."""
    places = (name for name in available_timezones() if name.partition("/")[0] in _REGIONS)
    return (UTC_NAME, *sorted(places))


def chosen_zone() -> str | None:
    """The zone that was chosen by or for the reader; None: no choice, so a browser shows times in its own."""
    return _chosen.get()


def current_zone() -> ZoneInfo:
    """In which the server writes times."""
    return ZoneInfo(_chosen.get() or _otherwise.get())


def show_times_in(name: str | None, *, otherwise: str | None = None) -> None:
    """Answer the present request with times of this zone, one of time_zones(); None: of the browser's.

    `otherwise`: the zone in which the server writes times that the browser is to turn into its own.
    """
    _chosen.set(name)
    _otherwise.set(otherwise or UTC_NAME)
