"""Customers."""

from typing import Annotated, Self
from uuid import UUID

import strawberry

from oms.domain.customers import queries
from oms.domain.customers.policy import CustomerPermission
from oms.domain.vocabulary.errors import InputReason, refused
from oms.domain.vocabulary.ids import customer_id, parse_customer
from oms.domain.vocabulary.wording import wording
from oms.schema.runtime.connections import Node, node_reader
from oms.schema.runtime.context import Info
from oms.schema.runtime.fields import argument, attribute, field, object_type
from oms.schema.runtime.reading.reads import Reads


@object_type(needs=CustomerPermission.READ_CUSTOMER)
class Customer(Node):
    """Somebody who orders, known by the number that another system of the shop gave them."""

    reads: strawberry.Private[Reads]
    key: strawberry.Private[UUID]
    reference: str = attribute("The caller's own customer number.")

    @classmethod
    def of(cls, reads: Reads, key: UUID, reference: str) -> Self:
        return cls(id=strawberry.ID(customer_id(key)), reads=reads, key=key, reference=reference)


async def customer_of(reads: Reads, key: UUID | str) -> Customer | None:
    found = await queries.find(reads.db, reads.viewer, key)
    return Customer.of(reads, found.id, found.reference) if found else None


@node_reader
async def customer_of_id(reads: Reads, text: str) -> Customer | None:
    """None for a malformed id, and for a customer that does not exist or that the viewer may not see."""
    key = parse_customer(text)
    return await customer_of(reads, key) if key else None


@strawberry.type
class Queries:
    """Queries of customers."""

    @field(
        "By id or by reference: exactly one of them. Null when there is none that the viewer may see.",
        needs=CustomerPermission.READ_CUSTOMER,
    )
    async def customer(
        self,
        info: Info,
        id: Annotated[strawberry.ID | None, argument("The customer's id.")] = None,  # noqa: A002 - the contract's name
        reference: Annotated[str | None, argument("The customer's reference.")] = None,
    ) -> Customer | None:
        if id is not None and reference is None:
            return await customer_of_id(info.context.reads, id)
        if reference is None or id is not None:
            raise refused(InputReason.GIVE_EXACTLY_ONE, wording("Give either id or reference, and not both."), "id")
        return await customer_of(info.context.reads, reference)
