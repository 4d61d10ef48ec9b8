"""How every mutation runs: if the viewer may, in one transaction, once per Idempotency-Key, refusals in the payload."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from oms.domain.access.permissions import require
from oms.domain.idempotency.batcher import Batcher, Command, Done
from oms.domain.idempotency.keys import once
from oms.domain.vocabulary.errors import Refused
from oms.platform.db import Tx
from oms.schema.runtime.context import Info
from oms.schema.runtime.errors import UserError, user_errors
from oms.schema.runtime.visibility import NEEDS

C = TypeVar("C")
R = TypeVar("R")


async def carry_out(
    info: Info, act: Callable[[Tx], Awaitable[Any]], *, keeps_answer: bool = True
) -> tuple[Any | None, list[UserError]]:
    """What `act` affected, as a JSON value, or why it was refused and rolled back.

    Without `keeps_answer` nothing of it is kept under the Idempotency-Key, so a repeat does it again.
    Raises KeyInUse or KeyReused, which concern the request and not its fields.
    """
    context = info.context
    repeat = context.repeat if keeps_answer else None
    try:
        _require_allowed(info)
        async with context.db.transaction() as tx:
            return await once(tx, context.viewer, repeat, lambda: act(tx)), []
    except Refused as refusal:
        context.on_refusal(context.viewer, refusal)
        return None, user_errors(refusal)


async def run_batched(info: Info, batcher: Batcher[C, R], command: C) -> tuple[Done[R] | None, list[UserError]]:
    """The same for what is carried out in one transaction with other callers' commands that come just now."""
    context = info.context
    try:
        _require_allowed(info)
        return await batcher.run(Command(context.viewer, command, context.repeat)), []
    except Refused as refusal:
        context.on_refusal(context.viewer, refusal)
        return None, user_errors(refusal)


def _require_allowed(info: Info) -> None:
    """Raises Refused(FORBIDDEN) unless the viewer is allowed what the table says that the mutation needs."""
    for operation in NEEDS["Mutation", info.field_name]:
        require(info.context.viewer, operation)
