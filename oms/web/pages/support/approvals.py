"""The page of what waits for a second person: each request is confirmed or rejected."""

from dataclasses import replace
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.approvals.policy import ApprovalPermission
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.permission import Reach
from oms.web.pages.declarations import Entry, Group, Pages, form, page
from oms.web.pages.rendering.site import Refusals, Site, read_form, see_other

PAGE: Final = 20
HOME: Final = "/approvals"
_PHRASES: Final = {
    "CANCEL_ORDER": "Cancel an order",
    "FAIL_SHIPMENT": "Report a shipment as failed",
    "GIVE_UP_WORK": "Give up a stuck job",
    "ERASE_CUSTOMER": "Erase a customer's personal data",
}


class ApprovalPages(Pages):
    """/approvals and below."""

    within = frozenset({Reach.ALL})

    def __init__(self, site: Site) -> None:
        self._site = site

    @page(
        HOME,
        needs=ApprovalPermission.CONFIRM_ACT,
        entry=Entry("To confirm", Role.SUPPORT, Role.MANAGER, group=Group.SELLING, icon="shield", key="v"),
    )
    async def index(self, request: Request, viewer: Viewer) -> Response:
        """Oldest first; ?after= continues after one."""
        return await self._show(request, viewer, Refusals())

    @form(f"{HOME}/{{id}}/confirmation", needs=ApprovalPermission.CONFIRM_ACT)
    async def confirm(self, request: Request, viewer: Viewer) -> Response:
        return await self._decide(request, viewer, "confirm")

    @form(f"{HOME}/{{id}}/rejection", needs=ApprovalPermission.CONFIRM_ACT)
    async def reject(self, request: Request, viewer: Viewer) -> Response:
        return await self._decide(request, viewer, "reject")

    async def _decide(self, request: Request, viewer: Viewer, name: str) -> Response:
        values = await read_form(request)
        variables = {"id": request.path_params["id"]}
        _, refusals = await self._site.mutate(viewer, f"approvals/{name}", variables, key=values.get("key"))
        if not refusals.errors:
            return see_other(HOME)
        shown = tuple({**error, "path": None} for error in refusals.errors)
        return await self._show(request, viewer, replace(refusals, errors=shown))

    async def _show(self, request: Request, viewer: Viewer, refusals: Refusals) -> Response:
        after = request.query_params.get("after")
        data = await self._site.query(viewer, "approvals/index", {"first": PAGE, "after": after})
        return self._site.render(
            request, viewer, "approvals/index", status=422 if refusals.errors else 200,
            path=HOME if refusals.errors else None, refusals=refusals, approvals=data["approvals"], phrases=_PHRASES,
            is_first=after is None,
        )  # fmt: skip
