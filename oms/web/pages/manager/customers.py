"""What is held about a customer: found by their reference, downloaded, and erased on a page that explains and asks."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.web.pages.site import HEADERS, NotAllowed, Refusals, Site, form_of, see_other

HOME: Final = "/manager/customers"


class CustomerPages:
    """GET /manager/customers with ?reference=; below it, by id, their export and their erasure."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def index(self, request: Request, viewer: Viewer) -> Response:
        """?done=erasure tells that it was done just now."""
        reference = request.query_params.get("reference", "")
        customer, refusals = await self._found(viewer, reference)
        return self._site.render(
            request, viewer, "manager/customers", status=422 if refusals.errors else 200, refusals=refusals,
            reference=reference, customer=customer, done=request.query_params.get("done"),
        )  # fmt: skip

    async def _found(self, viewer: Viewer, reference: str) -> tuple[Any, Refusals]:
        """The customer; or None, with why where the reference can be nobody's."""
        if not reference:
            return None, Refusals()
        try:
            found = await self._site.query(viewer, "manager/customer", {"reference": reference})
        except NotAllowed as refusal:
            if refusal.status != 400:
                raise
            return None, Refusals(({"message": refusal.message, "path": ["reference"]},))
        return found["customer"], Refusals()

    async def export(self, request: Request, viewer: Viewer) -> Response:
        """A download. By POST, for it is recorded that somebody asked."""
        customer = await self._customer(request, viewer)
        told, refusals = await self._site.act(viewer, "manager/export_customer", {"reference": customer["reference"]})
        if refusals.errors:
            raise NotAllowed(422, " ".join(refusals.all))
        name = f'attachment; filename="{customer["id"]}.json"'
        return Response(told["held"], media_type="application/json", headers=HEADERS | {"Content-Disposition": name})

    async def erasure(self, request: Request, viewer: Viewer) -> Response:
        """Asks whether to erase."""
        return self._ask(request, viewer, await self._customer(request, viewer), Refusals())

    async def erase(self, request: Request, viewer: Viewer) -> Response:
        """Whom the page named when it asked: a second press is about the same reference, though it is gone by then."""
        form = await form_of(request)
        customer = await self._customer(request, viewer)
        variables = {"reference": form.get("reference", ""), "reason": form.get("reason", "").strip()}
        told, refusals = await self._site.act(viewer, "manager/erase_customer", variables, key=form.get("key"))
        if refusals.errors:
            return self._ask(request, viewer, customer, replace(refusals, entered=form))
        return see_other(f"{HOME}?{urlencode({'reference': told['customer']['reference'], 'done': 'erasure'})}")

    def _ask(self, request: Request, viewer: Viewer, customer: Mapping[str, Any], refusals: Refusals) -> Response:
        return self._site.render(
            request, viewer, "manager/erasure", status=422 if refusals.errors else 200, refusals=refusals,
            customer=customer,
        )  # fmt: skip

    async def _customer(self, request: Request, viewer: Viewer) -> Mapping[str, Any]:
        found = await self._site.query(viewer, "manager/customer", {"id": request.path_params["id"]})
        if found["customer"] is None:
            raise NotAllowed(404, "There is no such customer.")
        customer: Mapping[str, Any] = found["customer"]
        return customer
