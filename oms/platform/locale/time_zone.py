"""The time zone of a response: a person's own choice, else UTC, which JavaScript turns into the browser's."""

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


@lru_cache
def time_zones() -> tuple[str, ...]:
    """The names that people may choose from: UTC and those of places."""
    places = (name for name in available_timezones() if name.partition("/")[0] in _REGIONS)
    return (UTC_NAME, *sorted(places))


def chosen_zone() -> str | None:
    """The zone that the reader has chosen; None: no choice, so a browser shows times in its own."""
    return _chosen.get()


def current_zone() -> ZoneInfo:
    """In which the server writes times."""
    return ZoneInfo(_chosen.get() or UTC_NAME)


def show_times_in(name: str | None) -> None:
    """Answer the present request with times of this zone, one of time_zones()."""
    _chosen.set(name)
