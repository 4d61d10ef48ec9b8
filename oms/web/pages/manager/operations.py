"""How the system runs: workers, backlog and completion rate, live; in demo mode also the load generator."""

from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.web.live.open_streams import OpenStreams
from oms.web.pages.form_parsing import Unreadable, whole_number
from oms.web.pages.manager.load_generator import MAX_MINUTES, MAX_PER_SECOND, LoadGenerator
from oms.web.pages.manager.samples import Chart, Sample, Samples
from oms.web.pages.site import NotAllowed, Refusals, Site, form_of, see_other

OPERATIONS: Final = "/manager/operations"
_USUAL_LOAD: Final = {"rate": "5", "minutes": "2", "carry": "on"}


class OperationsPages:
    """GET /manager/operations; POST to its `load` begins the generator, POST to `load/end` ends it."""

    def __init__(self, site: Site, streams: OpenStreams) -> None:
        self._site = site
        self._samples = Samples()
        self._generator = LoadGenerator(site, streams)

    async def operations(self, request: Request, viewer: Viewer) -> Response:
        return await self._show(request, viewer, Refusals())

    async def _show(self, request: Request, viewer: Viewer, refusals: Refusals) -> Response:
        data = await self._site.query(viewer, "manager/operations")
        self._samples.add(Sample.of(data["operations"], datetime.now(UTC)))
        return self._site.render(
            request, viewer, "manager/operations", status=422 if refusals.errors else 200,
            path=OPERATIONS if refusals.errors else None, refusals=refusals, data=data, charts=self._charts(data),
            completed=self._samples.chart(lambda sample: sample.completion_rate), minutes=list(self._samples.minutes()),
            generator=self._generator, offered=refusals.entered or _USUAL_LOAD, most_per_second=MAX_PER_SECOND,
            most_minutes=MAX_MINUTES,
        )  # fmt: skip

    def _charts(self, data: dict[str, Any]) -> dict[str, tuple[Chart, Chart]]:
        """Of each queue: its workers and its backlog."""
        return {queue["name"]: self._charts_of(queue["name"]) for queue in data["operations"]["queues"]}

    def _charts_of(self, queue: str) -> tuple[Chart, Chart]:
        workers = self._samples.chart(lambda sample: sample.workers[queue])
        return workers, self._samples.chart(lambda sample: sample.backlog[queue])

    async def begin_load(self, request: Request, viewer: Viewer) -> Response:
        form = await form_of(request)
        self._require_demo()
        at = "rate"
        try:
            per_second = whole_number(form.get("rate", ""), least=1, limit=MAX_PER_SECOND)
            at = "minutes"
            minutes = whole_number(form.get("minutes", ""), least=1, limit=MAX_MINUTES)
        except Unreadable as problem:
            return await self._show(request, viewer, problem.beside((at,), form))
        if not self._generator.begin(per_second=per_second, minutes=minutes, carries="carry" in form):
            problem_told = {"message": "It runs already; stop it first.", "path": ["load"]}
            return await self._show(request, viewer, Refusals((problem_told,), form))
        return see_other(OPERATIONS)

    async def end_load(self, _request: Request, _viewer: Viewer) -> Response:
        self._require_demo()
        await self._generator.end()
        return see_other(OPERATIONS)

    def _require_demo(self) -> None:
        if not self._site.demo:
            raise NotAllowed(404, "There is a load generator in demo mode only.")
