"""What staff do with an order or a stuck job: a form becomes one mutation."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from starlette.requests import Request

from oms.domain.access.permissions import Viewer
from oms.web.pages.rendering.site import Refusals, Site, read_form

_FIELDS: Final[Mapping[str, str]] = {
    "cancel": "reason", "fail_shipment": "reason", "give_up": "reason", "add_note": "text",
}  # fmt: skip
"""The field that people fill in, by mutation; others have none."""

_OPTIONAL: Final = frozenset({"cancel"})


async def act(site: Site, request: Request, viewer: Viewer, name: str, variables: Mapping[str, Any]) -> Refusals | None:
    """Executes templates/support/NAME.graphql with the form's values; None if it was done."""
    values = await read_form(request)
    given = {field: _entered(values, name, field)} if (field := _FIELDS.get(name)) else {}
    _, refusals = await site.mutate(viewer, f"support/{name}", {**variables, **given}, key=values.get("key"))
    if not refusals.errors:
        return None
    return replace(refusals, errors=tuple(_visible(error, field) for error in refusals.errors), entered=values)


def _entered(values: Mapping[str, str], name: str, field: str) -> str | None:
    text = values.get(field, "").strip()
    return None if not text and name in _OPTIONAL else text


def _visible(error: Mapping[str, Any], field: str | None) -> Mapping[str, Any]:
    """At the form's field, or at the top of the page, because any other field may no longer be shown."""
    return error if error["path"] == [field] else {**error, "path": None}
