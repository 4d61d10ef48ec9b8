"""How every mutation runs: with permission, in one transaction, once per Idempotency-Key, refusals in the payload."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from oms.domain.access.permissions import require
from oms.domain.approvals import commands as approvals
from oms.domain.approvals.rules import AwaitsConfirmation
from oms.domain.idempotency.batcher import Batcher, Command, Done
from oms.domain.idempotency.keys import once
from oms.domain.vocabulary.errors import Refused
from oms.platform.db import Tx
from oms.schema.runtime.context import Info
from oms.schema.runtime.errors import UserError, user_errors
from oms.schema.runtime.fields import MUTATION_NEEDS

C = TypeVar("C")
R = TypeVar("R")


async def run_command(
    info: Info, act: Callable[[Tx], Awaitable[Any]], *, keep_result: bool = True
) -> tuple[Any | None, list[UserError]]:
    """The JSON value that `act` returns, or why it was refused and rolled back. It runs again while a lock is held.

    What needs a second person is rolled back, too, and stored as a request. Without `keep_result` nothing is stored
    under the Idempotency-Key, so a repeated request runs again.
    Raises KeyInUse or KeyReused, which concern the request and not its fields.
    """
    context = info.context
    repeat = context.repeat if keep_result else None

    async def run() -> Any:
        async with context.db.transaction() as tx:
            return await once(tx, context.viewer, repeat, lambda: act(tx))

    try:
        _require_permissions(info)
        return await context.db.lock_waits.run(run), []
    except AwaitsConfirmation as waits:
        async with context.db.transaction() as tx:
            await approvals.request(tx, context.viewer, waits.request)
        return None, user_errors(waits)
    except Refused as refusal:
        context.on_refusal(context.viewer, refusal)
        return None, user_errors(refusal)


async def run_batched(info: Info, batcher: Batcher[C, R], command: C) -> tuple[Done[R] | None, list[UserError]]:
    """The same for a command that shares its transaction with those that other callers send at the same time."""
    context = info.context
    try:
        _require_permissions(info)
        return await batcher.run(Command(context.viewer, command, context.repeat)), []
    except Refused as refusal:
        context.on_refusal(context.viewer, refusal)
        return None, user_errors(refusal)


def _require_permissions(info: Info) -> None:
    """Raises Refused(FORBIDDEN) unless the viewer has all permissions that the mutation needs."""
    for permission in MUTATION_NEEDS[info.field_name]:
        require(info.context.viewer, permission)
