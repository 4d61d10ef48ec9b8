"""Customers, their orders, and what is held about them: told or forgotten."""

import json
from typing import Annotated, Self
from uuid import UUID

import strawberry

from oms.domain.customers import queries
from oms.domain.order_queries.orders import CustomerPage
from oms.domain.personal_data import commands
from oms.domain.vocabulary.errors import InputReason, refused
from oms.domain.vocabulary.ids import customer_id, parse_customer
from oms.platform.db import Tx
from oms.schema.order import Order, connected
from oms.schema.runtime.commands import carry_out
from oms.schema.runtime.connections import PAGE, Connection, Node, size
from oms.schema.runtime.context import Info
from oms.schema.runtime.errors import UserError
from oms.schema.runtime.fields import field, mutation
from oms.schema.runtime.reads import Reads


@strawberry.type
class Customer(Node):
    """Who orders."""

    reads: strawberry.Private[Reads]
    key: strawberry.Private[UUID]
    reference: str = strawberry.field(description="The caller's own customer number.")

    @classmethod
    def of(cls, reads: Reads, key: UUID, reference: str) -> Self:
        return cls(id=strawberry.ID(customer_id(key)), reads=reads, key=key, reference=reference)

    @strawberry.field
    async def orders(
        self, first: int | None = PAGE, after: str | None = None
    ) -> Connection[Annotated[Order, strawberry.lazy("oms.schema.order")]]:
        page = await self.reads.page_of_customer.load(CustomerPage(self.reference, size(first), after))
        return connected(self.reads, page, after)


async def customer_of(reads: Reads, key: UUID | str) -> Customer | None:
    found = await queries.find(reads.db, reads.viewer, key)
    return Customer.of(reads, found.id, found.reference) if found else None


async def customer_of_id(reads: Reads, text: str) -> Customer | None:
    """None for a malformed id, and for what does not exist or the viewer may not see."""
    key = parse_customer(text)
    return await customer_of(reads, key) if key else None


@strawberry.type
class CustomerQueries:
    """Reading customers."""

    @field("By id or by reference: exactly one of them. Null when there is none that the viewer may see.")
    async def customer(
        self,
        info: Info,
        id: strawberry.ID | None = None,  # noqa: A002 - the contract's name
        reference: str | None = None,
    ) -> Customer | None:
        if id is not None and reference is None:
            return await customer_of_id(info.context.reads, id)
        if reference is None or id is not None:
            raise refused(InputReason.GIVE_EXACTLY_ONE, "Give either id or reference, and not both.", "id")
        return await customer_of(info.context.reads, reference)


@strawberry.type
class CustomerExportPayload:
    """What is held about a customer, or why it is not told."""

    held: str | None = strawberry.field(description="JSON: by table, a list of its rows.")
    user_errors: list[UserError]


@strawberry.type
class CustomerPayload:
    """The customer, under the name they go by from now on, or why nothing was done."""

    pseudonym: strawberry.Private[str | None]
    user_errors: list[UserError]

    @strawberry.field
    async def customer(self, info: Info) -> Customer | None:
        return await customer_of(info.context.fresh_reads(), self.pseudonym) if self.pseudonym else None


@strawberry.type
class CustomerMutations:
    """What managers do with what is held about a customer; see docs/guides/personal-data.md."""

    @mutation(
        "Tells all that is held about a customer; that it was asked for is in the audit log. An Idempotency-Key is"
        " not heeded, for what was told would be kept under it."
    )
    async def export_customer(self, info: Info, reference: str) -> CustomerExportPayload:
        async def act(tx: Tx) -> dict[str, object]:
            return await commands.export(tx, info.context.viewer, reference)

        held, errors = await carry_out(info, act, keeps_answer=False)
        told = None if held is None else json.dumps(held, ensure_ascii=False)
        return CustomerExportPayload(held=told, user_errors=errors)

    @mutation(
        "Forgets who a customer was, for good; their orders stay in the books, under a pseudonym. Refused while one of"
        " them is under way."
    )
    async def erase_customer(self, info: Info, reference: str, reason: str) -> CustomerPayload:
        async def act(tx: Tx) -> str:
            return (await commands.erase(tx, info.context.viewer, reference, reason)).pseudonym

        pseudonym, errors = await carry_out(info, act)
        return CustomerPayload(pseudonym=pseudonym, user_errors=errors)
