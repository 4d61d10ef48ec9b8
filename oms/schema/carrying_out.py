"""How every mutation runs: one transaction, once per Idempotency-Key, refusals told in the payload."""

from collections.abc import Awaitable, Callable
from typing import Any

from oms.db import Tx
from oms.domain.refusal import Refused
from oms.domain.repeats.handle import once
from oms.schema.context import Info
from oms.schema.errors import UserError, user_errors


async def carry_out(info: Info, act: Callable[[Tx], Awaitable[Any]]) -> tuple[Any | None, list[UserError]]:
    """What `act` affected, as a JSON value, or why it was refused and rolled back.

    Raises KeyInUse or KeyReused, which concern the request and not its fields.
    """
    context = info.context
    try:
        async with context.db.transaction() as tx:
            return await once(tx, context.viewer, context.repeat, lambda: act(tx)), []
    except Refused as refusal:
        return None, user_errors(refusal)
