"""Who asks."""

import strawberry

from oms.schema.context import Info
from oms.schema.customers import customer_of_id
from oms.schema.enums import Role
from oms.schema.orders import order_of_id
from oms.schema.pages import Node
from oms.schema.shipments import shipment_of_id


@strawberry.type
class Viewer:
    """The caller."""

    name: str
    role: Role


@strawberry.type
class NodeQueries:
    """Who asks, and whatever has an id."""

    @strawberry.field
    def viewer(self, info: Info) -> Viewer:
        return Viewer(name=info.context.viewer.name, role=info.context.viewer.role)

    @strawberry.field
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:  # noqa: A002 - the contract's name
        reads = info.context.reads
        for read in (order_of_id, shipment_of_id, customer_of_id):
            if found := await read(reads, id):
                return found
        return None
