"""Acts of staff that wait until a second person confirms them."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final, Self
from uuid import UUID

import strawberry

from oms.domain.approvals import commands, model, queries
from oms.domain.approvals.model import Act
from oms.domain.approvals.policy import ApprovalPermission
from oms.domain.confirmed_acts import carry_out
from oms.domain.order.policy import OrderPermission
from oms.domain.vocabulary.ids import NO_ID, order_id, parse
from oms.platform.db import Tx
from oms.schema.order import Order, order_of_id
from oms.schema.runtime.commands import run_command
from oms.schema.runtime.connections import PAGE, After, Connection, First, connection, size
from oms.schema.runtime.context import Info
from oms.schema.runtime.enums import Role, described
from oms.schema.runtime.errors import UserError
from oms.schema.runtime.fields import NOTHING_MORE, argument, attribute, field, mutation, object_type
from oms.schema.runtime.money import Money, money
from oms.schema.runtime.reading.reads import Reads
from oms.schema.runtime.scalars import Instant

_PREFIX: Final = "apr"

described(
    Act,
    "Act",
    "What one member of staff asks for and another confirms.",
    {
        Act.CANCEL_ORDER: "Cancel the order and refund what was charged.",
        Act.FAIL_SHIPMENT: "Give the shipment up as lost or undeliverable, and refund its charge.",
        Act.GIVE_UP_WORK: "Fail the shipment whose work is stuck.",
        Act.ERASE_CUSTOMER: "Erase the customer's personal data for good.",
    },
)


@object_type(needs=ApprovalPermission.CONFIRM_ACT)
class Approval:
    """A request that waits for a second person."""

    reads: strawberry.Private[Reads]
    waiting: strawberry.Private[model.Waiting]
    id: strawberry.ID = attribute("For confirmApproval and rejectApproval.")
    act: Act = attribute("What should be done.")
    subject: str = attribute("The id of an order, a shipment, a stuck job or a customer.")
    reason: str | None = attribute("Why, in the words of who requested it.")
    refund: Money | None = attribute("What would be refunded, if anything.")
    requested_at: Instant = attribute("When somebody asked for it.")
    requested_by: str = attribute("The name of who asked for it.")
    requested_role: Role = attribute("The role of who asked for it.")

    @classmethod
    def of(cls, reads: Reads, waiting: model.Waiting) -> Self:
        wanted = waiting.request
        has_amount = wanted.amount_minor is not None and wanted.currency is not None
        return cls(
            reads=reads,
            waiting=waiting,
            id=strawberry.ID(f"{_PREFIX}_{waiting.id.hex}"),
            act=wanted.act,
            subject=wanted.subject,
            reason=wanted.reason,
            refund=money(wanted.amount_minor or 0, wanted.currency or "") if has_amount else None,
            requested_at=Instant(waiting.at),
            requested_by=waiting.by.name,
            requested_role=waiting.by.role,
        )

    @field("Null for an erasure.", needs=OrderPermission.READ_ORDER)
    async def order(self) -> Order | None:
        match parse(self.subject):
            case (kind, key, _) if kind != "cus":
                return await order_of_id(self.reads, order_id(key))
        return None

    @field("False for those who requested it.", needs=ApprovalPermission.CONFIRM_ACT)
    def viewer_can_confirm(self) -> bool:
        return self.waiting.by.principal != self.reads.viewer.principal


@strawberry.type
class Queries:
    """Queries of what waits."""

    @field(
        "What waits for a second person, requested first before the others. For managers and support.",
        needs=ApprovalPermission.CONFIRM_ACT,
    )
    async def approvals(self, info: Info, first: First = PAGE, after: After = None) -> Connection[Approval]:
        reads = info.context.reads
        page = await queries.waiting(reads.db, reads.viewer, first=size(first), after=after)
        return connection(
            page, after=after, cursor=lambda waiting: waiting.cursor, node=lambda waiting: Approval.of(reads, waiting)
        )


@object_type(needs=NOTHING_MORE)
class ApprovalPayload:
    """Whether it was done, or why not."""

    done: bool = attribute("True if the request is decided, false with any error.")
    user_errors: list[UserError] = attribute("Why nothing was done; empty if it was.")


def _key_of(text: str) -> UUID:
    """For a malformed id, the key of no request: the result is the same."""
    match parse(text):
        case (kind, key, ()) if kind == _PREFIX:
            return key
    return NO_ID


async def _run(info: Info, act: Callable[[Tx], Awaitable[UUID]]) -> ApprovalPayload:
    async def act_and_identify(tx: Tx) -> str:
        return (await act(tx)).hex

    key, errors = await run_command(info, act_and_identify)
    return ApprovalPayload(done=key is not None, user_errors=errors)


@strawberry.type
class Mutations:
    """Decisions of a second person."""

    @mutation(
        "Carries out what another person requested, in their name. For managers and support.",
        needs=ApprovalPermission.CONFIRM_ACT,
    )
    async def confirm_approval(
        self, info: Info, approval_id: Annotated[strawberry.ID, argument("The id of the request.")]
    ) -> ApprovalPayload:
        viewer = info.context.viewer
        return await _run(info, lambda tx: commands.confirm(tx, viewer, _key_of(approval_id), carry_out))

    @mutation("Nothing is done; also by whoever requested it.", needs=ApprovalPermission.CONFIRM_ACT)
    async def reject_approval(
        self, info: Info, approval_id: Annotated[strawberry.ID, argument("The id of the request.")]
    ) -> ApprovalPayload:
        viewer = info.context.viewer
        return await _run(info, lambda tx: commands.reject(tx, viewer, _key_of(approval_id)))
