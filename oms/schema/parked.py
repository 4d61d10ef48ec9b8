"""How the system runs, and the parked work that waits for support."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Self

import strawberry

from oms.domain.access.permissions import may
from oms.domain.concept.registry import registered
from oms.domain.diagnosis import operations as operations_model
from oms.domain.order.policy import OrderPermission
from oms.domain.parked import commands, queries
from oms.domain.parked.policy import ParkedPermission
from oms.domain.parked.rules import can_be_given_up
from oms.domain.vocabulary import ids
from oms.domain.work.model import WorkKey
from oms.domain.work.policy import WorkPermission
from oms.platform.db import Tx
from oms.schema.fulfilment import Shipment
from oms.schema.order import Order, order_of_id
from oms.schema.runtime.commands import run_command
from oms.schema.runtime.connections import PAGE, After, Connection, First, connection, size
from oms.schema.runtime.context import Info
from oms.schema.runtime.errors import UserError
from oms.schema.runtime.fields import NOTHING_MORE, argument, attribute, field, mutation, object_type
from oms.schema.runtime.reading.reads import Reads
from oms.schema.runtime.scalars import Instant


@object_type(needs=WorkPermission.READ_OPERATIONS)
class QueueStats:
    """How one queue of background work is doing."""

    name: str = attribute("The kind of work, e.g. booking.")
    workers: int = attribute("Worker processes alive that take its work.")
    backlog: int = attribute("Work that is due and not yet done.")
    oldest_due_seconds: float = attribute("Seconds since the oldest due work fell due; 0 with no backlog.")


@object_type(needs=WorkPermission.READ_OPERATIONS)
class OperationsStats:
    """How the system runs now."""

    queues: list[QueueStats] = attribute("One entry for each queue.")
    completion_rate: float = attribute("Orders closed as COMPLETED per second over the last 30 seconds.")

    @classmethod
    def of(cls, operations: operations_model.Operations) -> Self:
        queues = [
            QueueStats(name=str(q.queue), workers=q.workers, backlog=q.backlog, oldest_due_seconds=q.oldest_due_s)
            for q in operations.queues
        ]
        return cls(queues=queues, completion_rate=operations.completion_rate)


@object_type(needs=ParkedPermission.MEND_WORK)
class ParkedWork:
    """Work that kept failing and waits until support retries it or gives it up."""

    reads: strawberry.Private[Reads]
    parked: strawberry.Private[queries.ParkedWork]
    id: strawberry.ID = attribute("For retryWork and giveUpWork.")
    queue: str = attribute("The kind of work, e.g. booking.")
    step: str = attribute("What should be done next.")
    attempts: int = attribute("How often it was tried since it fell due.")
    last_error: str = attribute("Why the last attempt failed.")
    parked_at: Instant = attribute("When the system stopped trying.")

    @classmethod
    def of(cls, reads: Reads, parked: queries.ParkedWork) -> Self:
        return cls(
            reads=reads,
            parked=parked,
            id=strawberry.ID(parked.id),
            queue=str(parked.key.queue),
            step=str(parked.step),
            attempts=parked.attempts,
            last_error=parked.last_error,
            parked_at=Instant(parked.parked_at),
        )

    @field("The order it belongs to.", needs=OrderPermission.READ_ORDER)
    async def order(self) -> Order | None:
        seen = await self.reads.order.load(self.parked.key.subject_id)
        return Order.of(self.reads, seen) if seen else None

    @field("Null if the work concerns the order itself, such as its allocation.", needs=OrderPermission.READ_ORDER)
    async def shipment(self) -> Shipment | None:
        key = self.parked.key
        seen = await self.reads.shipment.load((key.subject_id, key.part)) if key.part else None
        return Shipment.of(self.reads, seen) if seen else None

    @field("Whether the viewer may retry it.", needs=ParkedPermission.MEND_WORK)
    def viewer_can_retry(self) -> bool:
        return may(self.reads.viewer, ParkedPermission.MEND_WORK)

    @field("Whether the viewer may fail the shipment that it concerns.", needs=ParkedPermission.MEND_WORK)
    async def viewer_can_give_up(self) -> bool:
        shipment = await self.shipment()
        return self.viewer_can_retry() and shipment is not None and can_be_given_up(shipment.seen.shipment)


@strawberry.type
class Queries:
    """Queries of how the system runs."""

    @field("For managers and support.", needs=WorkPermission.READ_OPERATIONS)
    async def operations(self, info: Info) -> OperationsStats | None:
        return OperationsStats.of(await operations_model.operations(info.context.db, info.context.viewer))

    @field(
        "What kept failing and waits for a person, parked last first. For support.", needs=ParkedPermission.MEND_WORK
    )
    async def parked_work(self, info: Info, first: First = PAGE, after: After = None) -> Connection[ParkedWork]:
        reads = info.context.reads
        page = await queries.parked(reads.db, reads.viewer, first=size(first), after=after)
        return connection(
            page, after=after, cursor=lambda parked: parked.cursor, node=lambda parked: ParkedWork.of(reads, parked)
        )


@object_type(needs=NOTHING_MORE)
class WorkPayload:
    """The order of the work, or why nothing was done."""

    order: Order | None = attribute("The order of the work; null with any error.", needs=OrderPermission.READ_ORDER)
    user_errors: list[UserError] = attribute("Why nothing was done; empty if it was.")


def _key_of(text: str) -> WorkKey:
    """For a malformed id, the key of no work: the result is the same."""
    match ids.parse_work(text):
        case (order_id, number, queue) if queue in registered().work_kinds:
            return WorkKey(order_id, number, queue)
    return WorkKey(ids.NO_ID, 0, "")


async def _run(info: Info, act: Callable[[Tx], Awaitable[WorkKey]]) -> WorkPayload:
    async def act_and_identify(tx: Tx) -> str:
        return ids.order_id((await act(tx)).subject_id)

    subject, errors = await run_command(info, act_and_identify)
    order = await order_of_id(info.context.fresh_reads(), subject) if subject else None
    return WorkPayload(order=order, user_errors=errors)


@strawberry.type
class Mutations:
    """Commands of support on parked work."""

    @mutation("Makes parked work due again. For support.", needs=ParkedPermission.MEND_WORK)
    async def retry_work(
        self, info: Info, work_id: Annotated[strawberry.ID, argument("The id of the work: of Work or of ParkedWork.")]
    ) -> WorkPayload:
        return await _run(info, lambda tx: commands.retry(tx, info.context.viewer, _key_of(work_id)))

    @mutation(
        "Fails the pending shipment whose work is parked; a charge of it is refunded. For support.",
        needs=ParkedPermission.MEND_WORK,
    )
    async def give_up_work(
        self,
        info: Info,
        work_id: Annotated[strawberry.ID, argument("The id of the work: of Work or of ParkedWork.")],
        reason: Annotated[str, argument("Why, at most 500 characters; it is kept in the order's history.")],
    ) -> WorkPayload:
        viewer, second_person = info.context.viewer, info.context.second_person
        key = _key_of(work_id)
        return await _run(info, lambda tx: commands.give_up(tx, viewer, key, reason, second_person=second_person))
