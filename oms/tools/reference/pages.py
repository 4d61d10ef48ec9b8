"""The list of generated pages. A new page is a function that returns its text, and a line in PAGES."""

from collections.abc import Callable, Mapping
from typing import Final

from oms.schema.schema import sdl
from oms.tools.reference.checks import checks_page
from oms.tools.reference.diagrams import diagrams_page
from oms.tools.reference.errors import errors_page
from oms.tools.reference.events import events_page
from oms.tools.reference.fields import fields_page
from oms.tools.reference.permissions import permissions_page
from oms.tools.reference.settings import settings_page
from oms.tools.reference.tables import tables_page
from oms.tools.reference.work import work_page

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "settings.md": settings_page,
    "permissions.md": permissions_page,
    "fields.md": fields_page,
    "diagrams.md": diagrams_page,
    "tables.md": tables_page,
    "events.md": events_page,
    "work.md": work_page,
    "errors.md": errors_page,
    "checks.md": checks_page,
    "schema.graphql": lambda: f"{sdl()}\n",
}
"""File name to the function that prints it."""
