"""What the product takes from outside by itself, and what it says in its log."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock
from uuid import UUID

from oms.domain.idempotency import batcher as rounds
from oms.domain.parked import commands as work_handle
from oms.domain.vocabulary import ids
from oms.domain.work import store as work_store
from oms.jobs import consumer as drains
from oms.platform.db import Statement
from oms.web.live import hub as live


@contextmanager
def seeded(chance: random.Random) -> Iterator[None]:
    """What the product draws, ids, claims' tokens, jitter; and what it would leave to the clock of the machine."""
    with (
        mock.patch.object(ids, "secrets", mock.Mock(randbits=chance.getrandbits)),
        mock.patch.object(work_store, "uuid4", mock.Mock(side_effect=lambda: UUID(int=chance.getrandbits(128)))),
        mock.patch.object(work_handle, "random", chance),
        # How long a lock takes to come is a matter of the machine's time, which no history may depend on.
        mock.patch.object(rounds, "_LOCK_TIMEOUT", Statement("SELECT set_config('lock_timeout', '0', true)")),
    ):
        yield


@contextmanager
def listening(complain: Callable[[str], None]) -> Iterator[None]:
    """What jobs and live hub call an error or a warning is one: nothing in a history is meant to go wrong in them."""

    def said(event: str, **values: Any) -> None:
        error = values.get("exc_info", values.get("error"))
        text = _first(error) if isinstance(error, BaseException) else str(error)
        complain(f"The log says {event!r}: {text.splitlines()[0]}")

    log = mock.Mock(error=said, warning=said)
    with mock.patch.object(drains, "log", log), mock.patch.object(live, "log", log):
        yield


def _first(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}"
