"""How the system runs: workers, backlog and completion rate, with charts of the last minutes."""

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.permission import Reach
from oms.domain.work.policy import WorkPermission
from oms.web.pages.declarations import Entry, Group, Pages, page
from oms.web.pages.manager.samples import Chart, Sample, Samples
from oms.web.pages.rendering.site import Site


class OperationsPages(Pages):
    """/manager/operations."""

    within = frozenset({Reach.ALL})

    def __init__(self, site: Site) -> None:
        self._site = site
        self._samples = Samples()

    @page(
        "/manager/operations",
        needs=WorkPermission.READ_OPERATIONS,
        entry=Entry("Operations", Role.MANAGER, group=Group.BUSINESS, icon="chart", key="u"),
    )
    async def operations(self, request: Request, viewer: Viewer) -> Response:
        data = await self._site.query(viewer, "manager/operations/index")
        self._samples.add(Sample.of(data["operations"], datetime.now(UTC)))
        return self._site.render(
            request, viewer, "manager/operations/index", data=data, charts=self._charts(data),
            completed=self._samples.chart(lambda sample: sample.completion_rate), minutes=list(self._samples.minutes()),
        )  # fmt: skip

    def _charts(self, data: dict[str, Any]) -> dict[str, tuple[Chart, Chart]]:
        """Workers and backlog of each queue."""
        return {queue["name"]: self._charts_of(queue["name"]) for queue in data["operations"]["queues"]}

    def _charts_of(self, queue: str) -> tuple[Chart, Chart]:
        workers = self._samples.chart(lambda sample: sample.workers[queue])
        return workers, self._samples.chart(lambda sample: sample.backlog[queue])
