"""The page of repairs."""

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.vocabulary.actor import Role
from oms.web.pages.declarations import Entry, Pages, page
from oms.web.pages.rendering.site import Site
from tests.new_concept.repairs.policy import RepairPermission


class RepairPages(Pages):
    """/manager/repairs."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @page("/manager/repairs", needs=RepairPermission.READ_REPAIRS, entry=Entry("Repairs", Role.MANAGER))
    async def index(self, request: Request, viewer: Viewer) -> Response:
        data = await self._site.query(viewer, "repairs/index", {"after": request.query_params.get("after")})
        return self._site.render(request, viewer, "repairs/index", repairs=data["repairs"])
