"""The navigation of each role, from the pages' declarations."""

from collections.abc import Iterator
from typing import NamedTuple

from oms.domain.access.permissions import Viewer
from oms.domain.vocabulary.actor import Role
from oms.web.pages.declarations import Entry, Group, declarations_of
from oms.web.pages.registry import PAGES


class Place(NamedTuple):
    """An entry as a viewer sees it; `is_current` if it is the one nearest to the page that is shown."""

    entry: Entry
    address: str
    is_current: bool


def navigation(viewer: Viewer, path: str) -> list[tuple[Group, list[Place]]]:
    """The places of the viewer's role under their headings; headings without any are left out."""
    entries = list(_entries(viewer.role))
    above = [address for _, address in entries if path == address or path.startswith(f"{address}/")]
    nearest = max(above, key=len, default=None)
    places = [Place(entry, address, address == nearest) for entry, address in entries]
    groups = [(group, [place for place in places if place.entry.group is group]) for group in Group]
    return [(group, within) for group, within in groups if within]


def home_of(role: Role) -> str | None:
    """The address of the page where a role starts, the first declared; None for machines, which have none."""
    return next((address for _, address in _entries(role)), None)


def _entries(role: Role) -> Iterator[tuple[Entry, str]]:
    for pages in PAGES:
        for _, declaration in declarations_of(pages):
            if declaration.entry and role in declaration.entry.roles:
                yield declaration.entry, declaration.path
