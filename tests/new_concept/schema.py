"""Repairs in the API."""

from typing import Annotated, Self

import strawberry

from oms.domain.vocabulary.paging import cursor_of
from oms.platform.db import Tx
from oms.schema.runtime.commands import run_command
from oms.schema.runtime.connections import PAGE, After, Connection, First, connection, size
from oms.schema.runtime.context import Info
from oms.schema.runtime.enums import described, meanings
from oms.schema.runtime.errors import UserError
from oms.schema.runtime.fields import NOTHING_MORE, argument, attribute, field, mutation, object_type
from tests.new_concept.repairs import commands, model, queries
from tests.new_concept.repairs.model import REPAIR, RepairStatus
from tests.new_concept.repairs.policy import RepairPermission

described(RepairStatus, "RepairStatus", "How far a repair has come.", meanings(REPAIR))


@object_type(needs=RepairPermission.READ_REPAIRS)
class Repair:
    """Something that is being repaired."""

    id: strawberry.ID = attribute("Opaque.")
    complaint: str | None = attribute("In the customer's words.")
    status: RepairStatus = attribute("How far it has come.")

    @classmethod
    def of(cls, repair: model.Repair) -> Self:
        return cls(id=strawberry.ID(f"rep_{repair.id.hex}"), complaint=repair.complaint, status=repair.status)


@object_type(needs=NOTHING_MORE)
class RepairPayload:
    """The result of a command."""

    repair_id: strawberry.ID | None = attribute("Of the new repair; null with any error.")
    user_errors: list[UserError] = attribute("Why nothing was done; empty if it was.")


@strawberry.type
class Queries:
    """Queries of repairs."""

    @field("Opened first first; for staff.", needs=RepairPermission.READ_REPAIRS)
    async def repairs(self, info: Info, first: First = PAGE, after: After = None) -> Connection[Repair]:
        context = info.context
        page = await queries.repairs(context.db, context.viewer, first=size(first), after=after)
        return connection(page, after=after, cursor=lambda repair: cursor_of(str(repair.id)), node=Repair.of)


@strawberry.type
class Mutations:
    """Commands on repairs."""

    @mutation("For staff.", needs=RepairPermission.OPEN_REPAIR)
    async def open_repair(
        self,
        info: Info,
        customer_reference: Annotated[str, argument("The customer's reference.")],
        complaint: Annotated[str, argument("In the customer's words.")],
    ) -> RepairPayload:
        async def act(tx: Tx) -> str:
            return (await commands.open_repair(tx, info.context.viewer, customer_reference, complaint)).hex

        key, errors = await run_command(info, act)
        return RepairPayload(repair_id=strawberry.ID(f"rep_{key}") if key else None, user_errors=errors)
