"""A customer's personal data: found by reference, exported, and erased after a confirmation."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.personal_data.policy import PersonalDataPermission
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.permission import Reach
from oms.domain.vocabulary.wording import wording
from oms.web.pages.declarations import Entry, Group, Pages, form, page
from oms.web.pages.rendering.site import HEADERS, PageRefused, Refusals, Site, read_form, see_other

HOME: Final = "/manager/customers"
_CUSTOMER: Final = f"{HOME}/{{id}}"


class CustomerPages(Pages):
    """/manager/customers with ?reference=; below it, by id, export and erasure."""

    within = frozenset({Reach.ALL})

    def __init__(self, site: Site) -> None:
        self._site = site

    @page(
        HOME,
        needs=PersonalDataPermission.ERASE_CUSTOMER,
        entry=Entry("Customer data", Role.MANAGER, group=Group.SELLING, icon="person", key="c"),
    )
    async def index(self, request: Request, viewer: Viewer) -> Response:
        """?done=erasure confirms an erasure."""
        reference = request.query_params.get("reference", "")
        customer, refusals = await self._found(viewer, reference)
        return self._site.render(
            request, viewer, "manager/customers/index", status=422 if refusals.errors else 200, refusals=refusals,
            reference=reference, customer=customer, done=request.query_params.get("done"),
        )  # fmt: skip

    async def _found(self, viewer: Viewer, reference: str) -> tuple[Any, Refusals]:
        """The customer; or None, and why the reference is invalid."""
        if not reference:
            return None, Refusals()
        try:
            found = await self._site.query(viewer, "manager/customers/customer", {"reference": reference})
        except PageRefused as refusal:
            if refusal.status != 400:
                raise
            return None, Refusals(({"message": refusal.message, "path": ["reference"]},))
        return found["customer"], Refusals()

    @form(f"{_CUSTOMER}/export", needs=PersonalDataPermission.ERASE_CUSTOMER)
    async def export(self, request: Request, viewer: Viewer) -> Response:
        """A download. POST, because the export is recorded in the audit log."""
        customer = await self._customer(request, viewer)
        payload, refusals = await self._site.mutate(
            viewer, "manager/customers/export_customer", {"reference": customer["reference"]}
        )
        if refusals.errors:
            raise PageRefused(422, " ".join(refusals.all))
        name = f'attachment; filename="{customer["id"]}.json"'
        return Response(payload["held"], media_type="application/json", headers=HEADERS | {"Content-Disposition": name})

    @page(f"{_CUSTOMER}/erasure", needs=PersonalDataPermission.ERASE_CUSTOMER)
    async def erasure(self, request: Request, viewer: Viewer) -> Response:
        """Asks for confirmation."""
        return self._confirm(request, viewer, await self._customer(request, viewer), Refusals())

    @form(f"{_CUSTOMER}/erasure", needs=PersonalDataPermission.ERASE_CUSTOMER)
    async def erase(self, request: Request, viewer: Viewer) -> Response:
        """By the reference that the page showed: a form sent twice then names the same customer."""
        values = await read_form(request)
        customer = await self._customer(request, viewer)
        variables = {"reference": values.get("reference", ""), "reason": values.get("reason", "").strip()}
        payload, refusals = await self._site.mutate(
            viewer, "manager/customers/erase_customer", variables, key=values.get("key")
        )
        if refusals.errors:
            return self._confirm(request, viewer, customer, replace(refusals, entered=values))
        return see_other(f"{HOME}?{urlencode({'reference': payload['customer']['reference'], 'done': 'erasure'})}")

    def _confirm(self, request: Request, viewer: Viewer, customer: Mapping[str, Any], refusals: Refusals) -> Response:
        return self._site.render(
            request, viewer, "manager/customers/erasure", status=422 if refusals.errors else 200, refusals=refusals,
            customer=customer,
        )  # fmt: skip

    async def _customer(self, request: Request, viewer: Viewer) -> Mapping[str, Any]:
        found = await self._site.query(viewer, "manager/customers/customer", {"id": request.path_params["id"]})
        if found["customer"] is None:
            raise PageRefused(404, wording("There is no such customer."))
        customer: Mapping[str, Any] = found["customer"]
        return customer
