"""How the system runs: workers, backlog and completed orders, with charts of the last hours."""

from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.permission import Reach
from oms.domain.work.policy import WorkPermission
from oms.web.pages.declarations import Entry, Group, Pages, page
from oms.web.pages.manager.watch import HOURS, charts
from oms.web.pages.rendering.site import Site


class OperationsPages(Pages):
    """/manager/operations."""

    within = frozenset({Reach.ALL})

    def __init__(self, site: Site) -> None:
        self._site = site

    @page(
        "/manager/operations",
        needs=WorkPermission.READ_OPERATIONS,
        entry=Entry("Operations", Role.MANAGER, group=Group.BUSINESS, icon="chart", key="u"),
    )
    async def operations(self, request: Request, viewer: Viewer) -> Response:
        """?queue= is the one that the charts are of; otherwise they are of all."""
        now = datetime.now(UTC)
        begin = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
        variables = {"begin": begin.isoformat(), "end": now.isoformat()}
        data = await self._site.query(viewer, "manager/operations/index", variables)
        queue = _queue(data, request.query_params.get("queue"))
        return self._site.render(
            request, viewer, "manager/operations/index", data=data, queue=queue,
            charts=charts(data["operationsSamples"], begin, now, queue),
        )  # fmt: skip


def _queue(data: dict[str, Any], name: str | None) -> str | None:
    return name if name in [queue["name"] for queue in data["operations"]["queues"]] else None
