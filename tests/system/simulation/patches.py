"""Makes the product deterministic, and reports what it logs as a violation."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock
from uuid import UUID

from oms.domain.parked import commands as parked
from oms.domain.vocabulary import ids
from oms.domain.work import store as work_store
from oms.jobs import consumer
from oms.web.live import hub


@contextmanager
def seeded(chance: random.Random) -> Iterator[None]:
    """Whatever the product draws at random: ids, claim tokens, jitter."""
    with (
        mock.patch.object(ids, "secrets", mock.Mock(randbits=chance.getrandbits)),
        mock.patch.object(work_store, "uuid4", mock.Mock(side_effect=lambda: UUID(int=chance.getrandbits(128)))),
        mock.patch.object(parked, "random", chance),
    ):
        yield


@contextmanager
def logs_reported(complain: Callable[[str], None]) -> Iterator[None]:
    """Errors and warnings of jobs and the live hub: no fault of a history should cause one."""

    def report(event: str, **values: Any) -> None:
        error = values.get("exc_info", values.get("error"))
        text = _first(error) if isinstance(error, BaseException) else str(error)
        complain(f"The log says {event!r}: {text.splitlines()[0]}")

    log = mock.Mock(error=report, warning=report)
    with mock.patch.object(consumer, "log", log), mock.patch.object(hub, "log", log):
        yield


def _first(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
