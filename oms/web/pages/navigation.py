"""The navigation bar of each role, from the pages' declarations."""

from collections.abc import Iterator

from oms.domain.access.permissions import Viewer
from oms.domain.vocabulary.actor import Role
from oms.web.pages.declarations import declarations_of
from oms.web.pages.registry import PAGES


def navigation(viewer: Viewer, path: str) -> list[tuple[str, str, bool]]:
    """Label and address of each entry, and whether it is the one nearest to the page at `path`."""
    entries = list(_entries(viewer.role))
    above = [address for _, address in entries if path == address or path.startswith(f"{address}/")]
    nearest = max(above, key=len, default=None)
    return [(label, address, address == nearest) for label, address in entries]


def home_of(role: Role) -> str | None:
    """The address of a role's first page; None for machines, which have none."""
    return next((address for _, address in _entries(role)), None)


def _entries(role: Role) -> Iterator[tuple[str, str]]:
    for pages in PAGES:
        for _, declaration in declarations_of(pages):
            if declaration.entry and role in declaration.entry.roles:
                yield declaration.entry.label, declaration.path
