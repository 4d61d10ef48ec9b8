"""GET /metrics in Prometheus' text format, for viewers who may read operations.

Two kinds: the system's, read from the database, so that every process reports the same; and those of this process
(requests, streams, resources), of which a scrape sees one process at a time if several share a port.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import cache
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.diagnosis.causes import causes
from oms.domain.diagnosis.vital_signs import VitalSigns, vital_signs
from oms.domain.vocabulary.errors import Refused
from oms.platform.db import Database
from oms.platform.tasks import Pulse, failures
from oms.web.errors.codes import ErrorCode
from oms.web.errors.refusals import RequestRefused, refusal_of
from oms.web.live.open_streams import OpenStreams
from oms.web.server.rate_limits import client_address
from oms.web.server.responses import refusal_response

_BUCKETS_S: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_AREAS: Final = frozenset({"graphql", "orders", "courier", "support", "manager", "static", "live", "account"})
_METHODS: Final = frozenset({"GET", "POST"})
_OTHER: Final = "other"


class ProcessMetrics:
    """Metrics of this process. Streams are counted when they end, and not timed."""

    def __init__(self, streams: OpenStreams, listening: Pulse) -> None:
        """`listening`: beats while notifications can be heard."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = Counter(
            "oms_http_requests", "Requests with a response.", ["area", "method", "status"], registry=self.registry
        )
        self._durations = Histogram(
            "oms_http_request_seconds",
            "Until the response was sent.",
            ["area"],
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self.registry.register(_Streams(streams))
        self.registry.register(_Tasks(listening))
        # Looking up a label costs more than counting; there are few combinations.
        self._request_counter = cache(self._requests.labels)
        self._duration_histogram = cache(self._durations.labels)

    def count(self, path: str, method: str, status: int, seconds: float | None) -> None:
        """A response, and its duration; None for a stream."""
        first = path.removeprefix("/").partition("/")[0]
        area = first if first in _AREAS else _OTHER
        self._request_counter(area, method if method in _METHODS else _OTHER, status).inc()
        if seconds is not None:
            self._duration_histogram(area).observe(seconds)


class _Streams(Collector):
    def __init__(self, streams: OpenStreams) -> None:
        self._streams = streams

    def collect(self) -> Iterator[Metric]:
        yield _gauge("oms_open_streams", "WebSockets and event streams open in this process.", len(self._streams))


class _Tasks(Collector):
    def __init__(self, listening: Pulse) -> None:
        self._listening = listening

    def collect(self) -> Iterator[Metric]:
        counter = CounterMetricFamily("oms_task_failures", "Failures of background tasks.", labels=["task"])
        for name, count in sorted(failures.items()):
            counter.add_metric([name], count)
        yield counter
        yield _gauge("oms_listening", "Whether this process hears notifications.", self._listening.is_alive)


class MetricsEndpoint:
    """GET /metrics, with a bearer token: `python -m oms token --role SUPPORT --scope READ_OPERATIONS …`."""

    def __init__(
        self, db: Database, admit: Callable[[str | None, str], Awaitable[Viewer]], metrics: ProcessMetrics
    ) -> None:
        """`admit`: the viewer of an Authorization header and an address."""
        self._db = db
        self._admit = admit
        self._metrics = metrics

    async def scrape(self, request: Request) -> Response:
        try:
            viewer = await self._admit(request.headers.get("authorization"), client_address(request))
            signs = await vital_signs(self._db, viewer)
        except Refused as refusal:
            return refusal_response(RequestRefused(ErrorCode.FORBIDDEN, str(refusal)))
        except Exception as error:  # noqa: BLE001 - refusal_of() logs and masks bugs
            return refusal_response(refusal_of(error))
        system = CollectorRegistry()
        system.register(_SystemMetrics(signs))
        text = generate_latest(system) + generate_latest(self._metrics.registry)
        return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4)


class _SystemMetrics(Collector):
    def __init__(self, signs: VitalSigns) -> None:
        self._signs = signs

    def collect(self) -> Iterator[Metric]:
        signs = self._signs
        queues = signs.operations.queues
        yield _gauges("oms_work_due", "Work due and not done.", "queue", {str(q.queue): q.backlog for q in queues})
        oldest = {str(q.queue): q.oldest_due_s for q in queues}
        yield _gauges("oms_work_oldest_due_seconds", "Since the oldest due work fell due.", "queue", oldest)
        yield _gauges("oms_workers", "Workers alive.", "queue", {str(q.queue): q.workers for q in queues})
        silent = {str(q.queue): q.silent for q in queues}
        yield _gauges("oms_workers_silent", "Workers alive that hear no wake-ups.", "queue", silent)
        yield _gauge("oms_worker_failures", "Of background tasks, of workers alive.", signs.operations.failures)
        yield _gauge("oms_work_parked", "Work that waits for support.", signs.parked)
        yield _gauge("oms_work_held", "Charges held for maintenance.", signs.held)
        yield _gauges("oms_orders_open", "Orders that are not final.", "status", signs.open_orders)
        still = {cause.name: signs.standing_still.get(cause, 0) for cause in causes()}
        yield _gauges("oms_standing_still", "Orders and shipments that stand still (oms doctor).", "cause", still)
        rate = signs.operations.completion_rate
        yield _gauge("oms_orders_completed_per_second", "Over the last 30 seconds.", rate)
        yield _gauge("oms_oldest_transaction_seconds", "Age of the oldest open one.", signs.oldest_transaction_s)
        yield _gauge("oms_archive_failing", "Whether PostgreSQL cannot archive its changes.", signs.archive_fails)
        yield _gauge("oms_tokens_expiring", "Access tokens that will expire within 14 days.", signs.tokens_expiring)


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_text, value)


def _gauges(name: str, help_text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
