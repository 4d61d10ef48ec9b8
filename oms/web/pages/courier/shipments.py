"""One shipment of a courier's run, with its next step, and the worker that keeps pages for times without connection."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from oms.domain.access.permissions import Viewer
from oms.domain.fulfilment.policy import FulfilmentPermission, FulfilmentReason
from oms.domain.order.policy import OrderPermission
from oms.domain.vocabulary.permission import Reach
from oms.platform.settings import PROJECT_DIR
from oms.web.pages.courier.run import RUN
from oms.web.pages.declarations import Pages, form, page, public_page
from oms.web.pages.rendering.site import HEADERS, Refusals, Site, read_form, see_other

_SHIPMENT: Final = f"{RUN}/shipments/{{id}}"
_WORKER: Final = PROJECT_DIR / "static" / "courier-worker.js"


class ShipmentPages(Pages):
    """One shipment, its forms, and the service worker."""

    within = frozenset({Reach.CARRIED, Reach.ALL})

    def __init__(self, site: Site) -> None:
        self._site = site

    @page(_SHIPMENT, needs=OrderPermission.READ_SHIPMENTS)
    async def show(self, request: Request, viewer: Viewer) -> Response:
        return await self._show(request, viewer)

    @form(f"{_SHIPMENT}/dispatch", needs=FulfilmentPermission.DISPATCH)
    async def dispatch(self, request: Request, viewer: Viewer) -> Response:
        return await self._act(request, viewer, "dispatch")

    @form(f"{_SHIPMENT}/delivery", needs=FulfilmentPermission.DELIVER)
    async def deliver(self, request: Request, viewer: Viewer) -> Response:
        return await self._act(request, viewer, "deliver")

    @form(f"{_SHIPMENT}/failure", needs=FulfilmentPermission.FAIL_SHIPMENT)
    async def fail(self, request: Request, viewer: Viewer) -> Response:
        """It could not be delivered: either the courier tries again the next day, or it fails for good."""
        if (await read_form(request)).get("then") == "again":
            return await self._act(request, viewer, "again", "reason", done=f"{RUN}?notice=again-tomorrow")
        return await self._act(request, viewer, "fail", "reason", done=f"{RUN}?notice=failure-reported")

    @page(f"{RUN}/offline", needs=OrderPermission.READ_SHIPMENTS)
    async def offline(self, request: Request, viewer: Viewer) -> Response:
        """What the service worker shows in place of a page that it has not stored."""
        return self._site.render(request, viewer, "courier/offline")

    @public_page("/courier-worker.js")
    async def worker(self, _request: Request) -> Response:
        """The service worker, at the root so that it may serve /courier; browsers revalidate it each time."""
        headers = HEADERS | {"Cache-Control": "no-cache"}
        return FileResponse(_WORKER, media_type="text/javascript", headers=headers)

    async def _act(
        self, request: Request, viewer: Viewer, name: str, *inputs: str, done: str | None = None
    ) -> Response:
        """Executes templates/courier/NAME.graphql with the entered inputs; then leads to `done`, or the shipment."""
        values = await read_form(request)
        shipment_id = request.path_params["id"]
        variables = {"id": shipment_id} | {name: values.get(name, "") for name in inputs}
        _, refusals = await self._site.mutate(viewer, f"courier/{name}", variables, key=values.get("key"))
        if refusals.errors:
            return await self._show(request, viewer, Refusals(refusals.errors, values), status=422)
        return see_other(done or f"{RUN}/shipments/{shipment_id}")

    async def _show(
        self, request: Request, viewer: Viewer, refusals: Refusals | None = None, *, status: int = 200
    ) -> Response:
        """If the shipment has changed meanwhile, the page says so and shows its status in place of the conflict."""
        others, overtaken = _without_conflict(refusals or Refusals())
        shipment_id = request.path_params["id"]
        shipment = (await self._site.query(viewer, "courier/show", {"id": shipment_id}))["shipment"]
        values: dict[str, Any] = {
            "overtaken": overtaken,
            "refusals": others,
            "path": f"{RUN}/shipments/{shipment_id}",
        }
        if shipment is None:
            return self._site.render(request, viewer, "courier/gone", status=status if overtaken else 404, **values)
        return self._site.render(request, viewer, "courier/show", status=status, shipment=shipment, **values)


def _without_conflict(refusals: Refusals) -> tuple[Refusals, bool]:
    """Without the refusals that come from the shipment having changed, and whether there was one."""
    others = tuple(
        error for error in refusals.errors
        if error["code"] != "CONFLICT" or error.get("reason") == FulfilmentReason.NO_ATTEMPT_LEFT.name
    )  # fmt: skip
    return Refusals(others, refusals.entered), len(others) < len(refusals.errors)
