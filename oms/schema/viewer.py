"""Who asks."""

from typing import Self

import strawberry

from oms.domain.access import permissions
from oms.domain.access.permissions import may
from oms.domain.catalog.policy import CatalogPermission
from oms.domain.fraud.policy import FraudPermission
from oms.domain.identity import account_commands as accounts
from oms.schema.customers import customer_of_id
from oms.schema.identity import Session, own_sessions
from oms.schema.order import order_of_id
from oms.schema.runtime.connections import Node
from oms.schema.runtime.context import Info
from oms.schema.runtime.enums import Role
from oms.schema.runtime.fields import field
from oms.schema.shipments import shipment_of_id


@strawberry.type
class Viewer:
    """The caller, and what the role may do at all."""

    name: str
    role: Role
    can_change_fraud_settings: bool
    can_change_catalog: bool = strawberry.field(description="Products, prices, warehouses and stock.")

    @classmethod
    def of(cls, viewer: permissions.Viewer) -> Self:
        return cls(
            name=viewer.name,
            role=viewer.role,
            can_change_fraud_settings=may(viewer, FraudPermission.SET_FRAUD),
            can_change_catalog=may(viewer, CatalogPermission.SET_CATALOG),
        )

    @field("Whether the viewer signs in with a password of their own.")
    async def can_change_password(self, info: Info) -> bool:
        return await accounts.has_password(info.context.db, info.context.viewer)

    @field("Where the viewer is signed in, begun last first; empty for a machine.")
    async def sessions(self, info: Info) -> list[Session]:
        return await own_sessions(info.context)


@strawberry.type
class NodeQueries:
    """Who asks, and whatever has an id."""

    @strawberry.field
    def viewer(self, info: Info) -> Viewer:
        return Viewer.of(info.context.viewer)

    @strawberry.field
    async def node(self, info: Info, id: strawberry.ID) -> Node | None:  # noqa: A002 - the contract's name
        reads = info.context.reads
        for read in (order_of_id, shipment_of_id, customer_of_id):
            if found := await read(reads, id):
                return found
        return None
