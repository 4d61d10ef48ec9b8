"""The audit log as sentences, newest first by day, filtered by dates, person, kind and subject."""

import json
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.audit.policy import AuditPermission
from oms.domain.concepts import REGISTRY
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.audit_action import constant_case
from oms.domain.vocabulary.permission import Reach
from oms.domain.vocabulary.wording import wording
from oms.platform.locale.language import gettext as _
from oms.platform.locale.time_zone import current_zone
from oms.web.pages.declarations import Entry, Group, Pages, page
from oms.web.pages.rendering.days import by_day
from oms.web.pages.rendering.place import Place
from oms.web.pages.rendering.site import PageRefused, Refusals, Site

AUDIT: Final = "/manager/audit"
PAGE: Final = 50
ACTION_PHRASES: Final = {
    value: value.replace("_", " ").capitalize() for value in map(constant_case, REGISTRY.audit_actions)
}
"""By the API's name of the action."""


_NAMES: Final = {
    "actor": wording("Person"),
    "action": wording("Kind"),
    "subject": wording("Subject"),
    "from": wording("From"),
    "to": wording("To"),
}
FILTERS: Final = tuple(_NAMES)
"""Of the address: `from` and `to` are dates of the reader's zone, both included; the others are the API's."""


class AuditPages(Pages):
    """/manager/audit, filtered by FILTERS."""

    within = frozenset({Reach.ALL})

    def __init__(self, site: Site) -> None:
        self._site = site

    @page(
        AUDIT,
        needs=AuditPermission.READ_AUDIT,
        entry=Entry("Audit log", Role.MANAGER, Role.SUPPORT, group=Group.BUSINESS, icon="doc", key="y"),
    )
    async def index(self, request: Request, viewer: Viewer) -> Response:
        filters = {name: request.query_params.get(name, "").strip() for name in FILTERS}
        after = request.query_params.get("after")
        events, refusals = await self._query(viewer, filters, after)
        kept = {name: value for name, value in filters.items() if value}
        return self._site.render(
            request, viewer, "manager/audit/index", status=422 if refusals.errors else 200, refusals=refusals,
            events=events, filters=filters, by_day=by_day, changes=changes,
            action_phrases=ACTION_PHRASES, chips=chips(kept),
            place=Place.of(AUDIT, request.query_params, events, **kept) if events else None,
        )  # fmt: skip

    async def _query(self, viewer: Viewer, filters: dict[str, str], after: str | None) -> tuple[Any, Refusals]:
        """The events found; or None, and why the filter is invalid."""
        if filters["action"] and filters["action"] not in ACTION_PHRASES:
            return None, Refusals(({"message": f"There is no action {filters['action']}.", "path": None},))
        try:
            only = _conditions(filters)
        except ValueError:
            return None, Refusals(({"message": wording("Give dates as YYYY-MM-DD."), "path": None},))
        try:
            found = await self._site.query(
                viewer, "manager/audit/index", {"first": PAGE, "after": after, "filter": only}
            )
        except PageRefused as refusal:
            if refusal.status != 400:
                raise
            return None, Refusals(({"message": refusal.message, "path": None},))
        return found["auditTrail"], Refusals()


def chips(kept: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Name and value of each filter that is on, and the address of the list without it."""
    return [
        (
            _(_NAMES[name]),
            ACTION_PHRASES.get(value, value) if name == "action" else value,
            f"{AUDIT}?{urlencode({other: kept[other] for other in kept if other != name})}",
        )
        for name, value in kept.items()
    ]


def _conditions(filters: Mapping[str, str]) -> dict[str, str]:
    """The API's filter. Raises ValueError for what is no date."""
    given = {name: filters[name] for name in ("actor", "action", "subject") if filters[name]}
    if filters["from"]:
        given["since"] = _begin_of(date.fromisoformat(filters["from"]))
    if filters["to"]:
        given["before"] = _begin_of(date.fromisoformat(filters["to"]) + timedelta(days=1))
    return given


def _begin_of(day: date) -> str:
    return datetime.combine(day, time(), current_zone()).isoformat()


def changes(event: Mapping[str, Any]) -> list[tuple[str, str | None, str]]:
    """Name, old and new value of what an entry says; None where it names no old one."""
    before, after = (json.loads(event[part] or "{}") for part in ("before", "after"))
    old = {name: _shown(value) for name, value in before.items()}
    return [(name, old.get(name), _shown(after[name])) for name in after]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
