"""The audit trail as a page: newest first, found by who, what and whom."""

import re
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.audit.model import AuditAction
from oms.web.pages.site import NotAllowed, Refusals, Site

AUDIT: Final = "/manager/audit"
PAGE: Final = 50
ACTION_WORDS: Final = {str(action): re.sub(r"(?<!^)([A-Z])", r" \1", action).capitalize() for action in AuditAction}


class AuditPages:
    """GET /manager/audit, with ?actor=, ?action= and ?subject= to narrow it."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def index(self, request: Request, viewer: Viewer) -> Response:
        wanted = {name: request.query_params.get(name, "").strip() for name in ("actor", "action", "subject")}
        after = request.query_params.get("after")
        trail, refusals = await self._trail(viewer, wanted, after)
        kept = {name: value for name, value in wanted.items() if value}
        more = {**kept, "after": trail["pageInfo"]["endCursor"]} if trail and trail["pageInfo"]["hasNextPage"] else None
        return self._site.render(
            request, viewer, "manager/audit", status=422 if refusals.errors else 200, refusals=refusals, trail=trail,
            wanted=wanted, words=ACTION_WORDS, more=more and f"?{urlencode(more)}",
            newest=f"{AUDIT}?{urlencode(kept)}" if after else None,
        )  # fmt: skip

    async def _trail(self, viewer: Viewer, wanted: dict[str, str], after: str | None) -> tuple[Any, Refusals]:
        """What is found; or None, and why nothing can be found that way."""
        if wanted["action"] and wanted["action"] not in ACTION_WORDS:
            return None, Refusals(({"message": f"There is no action {wanted['action']}.", "path": None},))
        only = {name: value for name, value in wanted.items() if value}
        try:
            found = await self._site.query(viewer, "manager/audit", {"first": PAGE, "after": after, "filter": only})
        except NotAllowed as refusal:
            if refusal.status != 400:
                raise
            return None, Refusals(({"message": refusal.message, "path": None},))
        return found["auditTrail"], Refusals()
