"""Customers and their orders."""

from typing import Annotated, Self
from uuid import UUID

import strawberry

from oms.domain.customers import read
from oms.domain.ids import customer_id, parse_customer
from oms.domain.orders.read import CustomerPage
from oms.domain.refusal import Code, refused
from oms.schema.context import Info
from oms.schema.fields import field
from oms.schema.orders import Order, connected
from oms.schema.pages import PAGE, Connection, Node, size
from oms.schema.reads import Reads


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
    ) -> Connection[Annotated[Order, strawberry.lazy("oms.schema.orders")]]:
        page = await self.reads.page_of_customer.load(CustomerPage(self.key, size(first), after))
        return connected(self.reads, page, after)


async def customer_of(reads: Reads, key: UUID | str) -> Customer | None:
    found = await read.find(reads.db, reads.viewer, key)
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
            raise refused(Code.INVALID, "Give either id or reference, and not both.", "id")
        return await customer_of(info.context.reads, reference)
