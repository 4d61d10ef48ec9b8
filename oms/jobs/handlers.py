"""Which job handles which queue."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from oms.domain import concepts
from oms.domain.work.store import Batch
from oms.jobs import allocation, billing, booking, deadlines
from oms.jobs.context import JobContext

Handler = Callable[[JobContext, Batch], Awaitable[None]]


class NoHandler(Exception):
    """A queue without a handler, or the other way round; the message says what to add."""


def checked(handlers: Mapping[str, Handler]) -> Mapping[str, Handler]:
    """The same handlers. Raises NoHandler unless there is one for each queue that a concept declares."""
    for queue in sorted(concepts.REGISTRY.work_kinds.keys() ^ handlers.keys()):
        if queue in handlers:
            raise NoHandler(f"No concept declares the queue {queue!r}: add a WorkKind to `work` of one in oms/domain.")
        raise NoHandler(f"The queue {queue!r} has no handler: add one to HANDLERS in oms/jobs/handlers.py.")
    return handlers


HANDLERS: Final = checked(
    {
        "allocation": allocation.handle,
        "billing": billing.handle,
        "booking": booking.handle,
        "deadlines": deadlines.handle,
    }
)
