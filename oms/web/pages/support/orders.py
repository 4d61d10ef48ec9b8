"""The pages of support, and of managers: a customer's orders, and stuck jobs."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.customers.policy import CustomerPermission
from oms.domain.parked.policy import ParkedPermission
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.permission import Reach
from oms.domain.vocabulary.wording import wording
from oms.web.pages.declarations import Entry, Group, Pages, form, page
from oms.web.pages.rendering.place import Place
from oms.web.pages.rendering.site import PageRefused, Refusals, Site, see_other
from oms.web.pages.support.acts import act
from oms.web.pages.support.next_step import STEP_PHRASES, next_step

PAGE: Final = 20
"""Orders or stuck jobs on one page."""

_PARKED: Final = "/support/parked"


class SupportPages(Pages):
    """Below /support."""

    within = frozenset({Reach.ALL})

    def __init__(self, site: Site) -> None:
        self._site = site

    @page(
        _PARKED,
        needs=ParkedPermission.MEND_WORK,
        entry=Entry("Stuck jobs", Role.SUPPORT, group=Group.SELLING, icon="system", key="s"),
    )
    async def parked(self, request: Request, viewer: Viewer) -> Response:
        return await self._parked(request, viewer)

    @page("/support/customers/{id}", needs=CustomerPermission.READ_CUSTOMER)
    async def customer(self, request: Request, viewer: Viewer) -> Response:
        variables = {"id": request.path_params["id"], "first": PAGE, "after": request.query_params.get("after")}
        customer = (await self._site.query(viewer, "support/customer", variables))["customer"]
        if customer is None:
            raise PageRefused(404, wording("There is no such customer."))
        return self._site.render(
            request, viewer, "support/customer", customer=customer, next_step=next_step,
            place=Place.of(request.url.path, request.query_params, customer["orders"]),
        )  # fmt: skip

    @form("/support/parked/{work}/retry", needs=ParkedPermission.MEND_WORK)
    async def retry(self, request: Request, viewer: Viewer) -> Response:
        return await self._mend(request, viewer, "retry")

    @form("/support/parked/{work}/abandonment", needs=ParkedPermission.MEND_WORK)
    async def give_up(self, request: Request, viewer: Viewer) -> Response:
        return await self._mend(request, viewer, "give_up")

    async def _mend(self, request: Request, viewer: Viewer, name: str) -> Response:
        work = str(request.path_params["work"])
        refusals = await act(self._site, request, viewer, name, {"workId": work})
        return see_other(_PARKED) if refusals is None else await self._parked(request, viewer, refusals, refused=work)

    async def _parked(
        self, request: Request, viewer: Viewer, refusals: Refusals | None = None, refused: str | None = None
    ) -> Response:
        after = request.query_params.get("after")
        parked = (await self._site.query(viewer, "support/parked", {"first": PAGE, "after": after}))["parkedWork"]
        return self._site.render(
            request, viewer, "support/parked", status=422 if refusals else 200,
            path=_PARKED if refusals else None, refusals=refusals or Refusals(), refused=refused,
            parked=parked, steps=STEP_PHRASES, place=Place.of(_PARKED, request.query_params, parked),
        )  # fmt: skip
