"""The caller, and objects of any type by id."""

from typing import Annotated, Self

import strawberry

from oms.domain.access import permissions
from oms.domain.access.permissions import may
from oms.domain.catalog.policy import CatalogPermission
from oms.domain.fraud.policy import FraudPermission
from oms.domain.identity import account_commands as accounts
from oms.domain.order.policy import OrderPermission
from oms.platform.locale.language import Language
from oms.schema.identity import Session, own_sessions
from oms.schema.runtime.connections import NODE_READERS, Node
from oms.schema.runtime.context import Info
from oms.schema.runtime.enums import Role
from oms.schema.runtime.fields import NOTHING_MORE, argument, attribute, field, object_type


@object_type(needs=NOTHING_MORE)
class Viewer:
    """The caller, and what the role allows at all."""

    name: str = attribute("For people to read.")
    role: Role = attribute("What the permissions depend on.")
    language: Language | None = attribute("As the viewer has chosen it; null: as the browser asks.")
    time_zone: str | None = attribute("The chosen name in the IANA time zone database; null: the browser's.")
    can_change_fraud_settings: bool = attribute("Spending limit and maintenance.")
    can_change_catalog: bool = attribute("Products, prices, warehouses and stock.")

    @classmethod
    def of(cls, viewer: permissions.Viewer) -> Self:
        return cls(
            name=viewer.name,
            role=viewer.role,
            language=Language(viewer.language) if viewer.language else None,
            time_zone=viewer.time_zone,
            can_change_fraud_settings=may(viewer, FraudPermission.SET_FRAUD),
            can_change_catalog=may(viewer, CatalogPermission.SET_CATALOG),
        )

    @field("Whether the viewer signs in with a password of their own.", needs=NOTHING_MORE)
    async def can_change_password(self, info: Info) -> bool:
        return await accounts.has_password(info.context.db, info.context.viewer)

    @field("Where the viewer is signed in, newest first; empty for a machine.", needs=NOTHING_MORE)
    async def sessions(self, info: Info) -> list[Session]:
        return await own_sessions(info.context)


@strawberry.type
class Queries:
    """Queries that belong to no concept."""

    @field("Who sends this request.", needs=NOTHING_MORE)
    def viewer(self, info: Info) -> Viewer:
        return Viewer.of(info.context.viewer)

    @field("Any object by its id. Null when there is none that the viewer may see.", needs=OrderPermission.READ_ORDER)
    async def node(
        self,
        info: Info,
        id: Annotated[  # noqa: A002 - the contract's name
            strawberry.ID, argument("The id of an order, a shipment or a customer.")
        ],
    ) -> Node | None:
        for read in NODE_READERS:
            if found := await read(info.context.reads, id):
                node: Node = found
                return node
        return None
