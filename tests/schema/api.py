"""The schema as the endpoints use it, with notifications that tests send by hand."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from graphql import GraphQLError
from strawberry.types import ExecutionResult

from oms.domain.access.permissions import Viewer
from oms.domain.batched_commands import BatchedCommands
from oms.domain.idempotency.keys import IdempotencyKey
from oms.domain.order_queries.event_log import ShipmentChange
from oms.domain.shop_settings.current import CurrentShop
from oms.domain.shop_settings.model import ProviderMode, Providers, Shop
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.ids import order_id, shipment_id
from oms.platform.settings import load_settings
from oms.schema.runtime.context import Context
from oms.schema.schema import schema
from tests.schema.both_ways import assert_same_by_strawberry
from tests.shop import CART, COURIER, MANAGER, SESSION_RULES, SUPPORT, ShopUnderTest, customer
from tests.statements import statements_of

DEFAULT_SHOP = Shop("OMS", None, "USD", timedelta(days=1))
COMPILED_QUERIES = load_settings().compiled_queries
ANA = customer("ana")
VIEWERS = {
    Role.CUSTOMER: ANA,
    Role.COURIER: COURIER,
    Role.MANAGER: MANAGER,
    Role.SUPPORT: SUPPORT,
    Role.SERVICE: CART,
}


@dataclass
class Notifications:
    """Implements Live."""

    orders: defaultdict[UUID, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    changes: asyncio.Queue[ShipmentChange] = field(default_factory=asyncio.Queue)
    settings: asyncio.Event = field(default_factory=asyncio.Event)
    subscribers: int = 0

    async def order(self, order_id: UUID) -> AsyncGenerator[None, None]:
        async for _ in self._sent(self.orders[order_id]):
            yield

    async def fraud_settings(self) -> AsyncGenerator[None, None]:
        async for _ in self._sent(self.settings):
            yield

    async def shipments(self) -> AsyncGenerator[ShipmentChange, None]:
        self.subscribers += 1
        try:
            while True:
                yield await self.changes.get()
        finally:
            self.subscribers -= 1

    async def _sent(self, notification: asyncio.Event) -> AsyncGenerator[None, None]:
        self.subscribers += 1
        try:
            while True:
                yield
                await notification.wait()
                notification.clear()
        finally:
            self.subscribers -= 1


@dataclass
class Api:
    """Executes operations, as support by default. Queries are executed in both ways if it `compares`."""

    shop: ShopUnderTest
    notifications: Notifications = field(default_factory=Notifications)
    compares: bool = True
    current: CurrentShop = field(init=False)

    def __post_init__(self) -> None:
        self.current = CurrentShop(self.shop.db, DEFAULT_SHOP)

    def context(self, viewer: Viewer, repeat: IdempotencyKey | None = None) -> Context:
        return Context(
            db=self.shop.db,
            batched=BatchedCommands.over(self.shop.db),
            default_payment_method="sandbox-ok",
            viewer=viewer,
            live=self.notifications,
            shop=self.current,
            providers=Providers(ProviderMode.SANDBOX, None, 2000, 500, 50),
            session_rules=SESSION_RULES,
            quotes=self.shop.sandbox,
            repeat=repeat,
            compiled_queries=COMPILED_QUERIES,
        )

    async def answer(
        self, document: str, viewer: Viewer = SUPPORT, repeat: IdempotencyKey | None = None, **variables: Any
    ) -> ExecutionResult:
        result = await schema.execute(document, variables, self.context(viewer, repeat))
        if self.compares:
            await assert_same_by_strawberry(result, document, variables, self.context(viewer))
        return result

    async def ask(
        self, document: str, viewer: Viewer = SUPPORT, repeat: IdempotencyKey | None = None, **variables: Any
    ) -> Any:
        """The data of a result without errors; for a single root field, its value."""
        result = await self.answer(document, viewer, repeat, **variables)
        assert not result.errors, result.errors
        assert result.data is not None
        return only(result.data)

    async def refusal(self, document: str, viewer: Viewer = SUPPORT, **variables: Any) -> GraphQLError:
        """The only error of a result."""
        result = await self.answer(document, viewer, **variables)
        assert result.errors is not None, result.data
        assert len(result.errors) == 1, result.errors
        return result.errors[0]

    async def watch(self, document: str, viewer: Viewer = SUPPORT, **variables: Any) -> AsyncGenerator[Any, None]:
        """The values of a subscription. Raises the error that ends it."""
        results = await schema.subscribe(document, variables, self.context(viewer))
        try:
            async for result in results:
                if result.errors:
                    raise result.errors[0]
                assert result.data is not None
                yield only(result.data)
        finally:
            await results.aclose()

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """Statements sent to the database in the block. Queries are executed once."""
        self.compares = False
        with statements_of(self.shop.db) as sent:
            yield sent
        self.compares = True

    async def booked(self, **fields: Any) -> "Known":
        """An order for ana over two warehouses, charged and booked."""
        await self.shop.stock_up({"tea": {"north": 5}, "mug": {"south": 5}})
        key = await self.shop.place({"tea": 2, "mug": 1}, **fields)
        await self.shop.run()
        return Known(key)

    async def amended(self) -> "Known":
        """An order of which one unit is unavailable."""
        await self.shop.stock_up({"tea": {"north": 1}})
        key = await self.shop.place({"tea": 2})
        await self.shop.run()
        return Known(key)


@dataclass(frozen=True)
class Known:
    """An order's ids."""

    key: UUID

    @property
    def id(self) -> str:
        return order_id(self.key)

    def shipment(self, number: int = 1) -> str:
        return shipment_id(self.key, number)


def only(data: dict[str, Any]) -> Any:
    return next(iter(data.values())) if len(data) == 1 else data


def codes(payload: dict[str, Any]) -> list[str]:
    return [error["code"] for error in payload["userErrors"]]
