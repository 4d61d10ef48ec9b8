"""Malformed requests: counted, and logged together, so that whoever sends them cannot fill the log."""

import time
from collections.abc import Callable
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter

log = structlog.get_logger(__name__)

LOG_INTERVAL_S: Final = 60.0
"""The least time between two lines of the log."""


class MalformedRequests:
    """Those of one process that are no HTTP or WebSocket, or exceed a bound of the connection."""

    def __init__(self, registry: CollectorRegistry, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._counter = Counter(
            "oms_malformed_requests", "Requests that are no HTTP, or exceed a bound.", registry=registry
        )
        self._clock = clock
        self._unlogged = 0
        self._silent_until_s = 0.0

    def count(self, problem: str) -> None:
        """`problem`: of this one, as an example of all since the last line."""
        self._counter.inc()
        self._unlogged += 1
        if self._clock() >= self._silent_until_s:
            log.warning("Malformed requests were refused", requests=self._unlogged, for_example=problem)
            self._unlogged = 0
            self._silent_until_s = self._clock() + LOG_INTERVAL_S
