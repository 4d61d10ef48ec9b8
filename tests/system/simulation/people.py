"""Carts, customers, couriers, managers and support: their commands, and what they may rely on once answered."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final
from uuid import UUID

import asyncpg

from oms.domain.access.permissions import Viewer
from oms.domain.amendments import commands as amendments
from oms.domain.batched_commands import BatchedCommands
from oms.domain.cancellation import commands as cancellation
from oms.domain.fraud import commands as fraud
from oms.domain.fulfilment import commands as fulfilment
from oms.domain.fulfilment.commands import CourierAction, MoveShipment
from oms.domain.idempotency.batcher import Command as BatchedCommand
from oms.domain.idempotency.batcher import Done
from oms.domain.idempotency.keys import IdempotencyKey, KeyInUse, once
from oms.domain.inventory import commands as inventory
from oms.domain.inventory.commands import StockCount
from oms.domain.notes import commands as notes
from oms.domain.order.details import OrderDetails
from oms.domain.order.events import SHIPMENT_PART
from oms.domain.parked import commands as parked
from oms.domain.placing.limits import PlacingLimits
from oms.domain.placing.request import LineRequest, OrderRequest
from oms.domain.vocabulary.errors import Code, Refused
from oms.domain.vocabulary.events import ITSELF, part
from oms.domain.vocabulary.money import Amounts
from oms.domain.work.model import WorkKey
from oms.platform.db import Tx
from tests.shop import CART, COURIER, MANAGER, SUPPORT, customer
from tests.system.simulation.database import SteppedDatabase

SKUS: Final = {"S1": "USD", "S2": "USD", "S3": "USD", "E1": "EUR"}
"""With the currency of their price."""

WAREHOUSES: Final = ("A", "B", "C")
CUSTOMERS: Final = ("ana", "ben", "cem")
RESTOCK: Final = "restock"

LIMITS: Final = PlacingLimits(
    order_lines=3, line_units=6, open_orders=6, unpaid_units=12, unpaid_minor=Amounts((("USD", 11_000),))
)
"""Of what customers place themselves; a product costs 1,000."""

KEPT_UNITS: Final = 5
"""What an amended order keeps while it waits, whoever placed it."""

EXPECTED: Final = frozenset({Code.CONFLICT, Code.NOT_FOUND, Code.DUPLICATE})
"""How a well-formed command of an authorized caller may be refused."""

ORDERS: Final = """
    SELECT o.id, o.status, c.reference AS owner,
           EXISTS (SELECT FROM shipments s
                   WHERE s.order_id = o.id AND s.payment_status IN ('CHARGING', 'SUCCEEDED')) AS is_paid
    FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.closed_at IS NULL ORDER BY o.reference
"""
SHIPMENTS: Final = "SELECT order_id, number FROM shipments WHERE status = ANY($1) ORDER BY order_id, number"
MAX_ATTEMPTS: Final = 3

PARKED: Final = "SELECT subject_id, part, queue FROM work WHERE parked_at IS NOT NULL ORDER BY subject_id, part, queue"
STOCK: Final = "SELECT sku, warehouse_code, on_hand, allocated FROM stock ORDER BY 1, 2"
NOTED: Final = "SELECT text FROM order_notes"
EVENTS: Final = "SELECT order_id, type, subject FROM order_events"


@dataclass(frozen=True, slots=True)
class Command:
    """`event`: (order, type, subject) that must be recorded once the command is answered.

    `act` runs in a transaction of its own, or names a batcher of BatchedCommands and the command for it.
    """

    name: str
    viewer: Viewer
    act: Callable[[Tx], Awaitable[Any]] | tuple[str, Any]
    key: IdempotencyKey | None = None
    event: tuple[UUID, str, str] | None = None
    allowed: frozenset[Code] = EXPECTED
    must_fail: bool = False
    acknowledged: Callable[[Any], None] | None = None


@dataclass
class People:
    """Reports to `complain` every answer that nobody should ever get."""

    db: SteppedDatabase
    monitor: "asyncpg.Connection[asyncpg.Record]"
    complain: Callable[[str], None]
    customers: tuple[str, ...] = CUSTOMERS
    requested: dict[str, OrderRequest] = field(default_factory=dict)
    placed: dict[tuple[str | None, str], tuple[OrderRequest, UUID]] = field(default_factory=dict)
    """By the customer who chose the reference, None for the carts, and the reference."""
    noted: set[str] = field(default_factory=set)
    """The texts of notes, all different."""
    sent: list[Command] = field(default_factory=list)
    answered: list[Command] = field(default_factory=list)

    async def next_command(self, chance: random.Random, habits: tuple[int, ...]) -> Command | None:
        """Of a random kind, weighted by `habits`; None if nothing of that kind is possible now."""
        kinds = (self._place, self._accept_or_cancel, self._move, self._manage, self._repair, self._repeat)
        [kind] = chance.choices(kinds, habits)
        command = await kind(chance)
        if command is not None and command not in self.sent:
            self.sent.append(command)
        return command

    async def send(self, command: Command, batched: BatchedCommands) -> str:
        """Returns the outcome in a few words."""
        try:
            answer = await self._answer(command, batched)
        except Refused as refusal:
            codes = {problem.code for problem in refusal.problems}
            if not codes <= command.allowed:
                self.complain(f"{command.name} was refused: {refusal}")
            return "refused " + ", ".join(sorted(codes))
        except KeyInUse:
            return "key in use"
        except Exception as error:  # noqa: BLE001 - any error is what the simulation looks for
            self.complain(f"{command.name} failed: {type(error).__name__}: {str(error).splitlines()[0]}")
            return "failed"
        if command.must_fail:
            self.complain(f"Rule 8: {command.name} was carried out for {command.viewer.name}")
        self.answered.append(command)
        if command.acknowledged:
            command.acknowledged(answer)
        return "done"

    async def _answer(self, command: Command, batched: BatchedCommands) -> Any:
        if isinstance(command.act, tuple):
            name, content = command.act
            done: Done[Any] = await getattr(batched, name).run(BatchedCommand(command.viewer, content, command.key))
            return done.subject
        async with self.db.transaction() as tx:
            return await once(tx, command.viewer, command.key, partial(_subject, command, command.act, tx))

    async def broken_promises(self) -> list[str]:
        """What was acknowledged and did not last."""
        events = {(row[0], row[1], row[2]) for row in await self.monitor.fetch(EVENTS)}
        present = {row[0] for row in await self.monitor.fetch("SELECT id FROM orders")}
        lost = [
            f"Rule 1: {reference} was acknowledged and is gone"
            for (_, reference), (_, order_id) in self.placed.items()
            if order_id not in present
        ]
        notes = [row[0] for row in await self.monitor.fetch(NOTED)]
        lost += [
            f"Rule 1: the note {text!r} was acknowledged, and is there {notes.count(text)} times"
            for text in sorted(self.noted)
            if notes.count(text) != 1
        ]
        return lost + [
            f"Rule 5: {command.name} was acknowledged, and no event records it"
            for command in self.answered
            if command.event and command.event not in events
        ]

    async def _place(self, chance: random.Random) -> Command:
        if self.requested and chance.random() < 0.25:
            request = self.requested[chance.choice(list(self.requested))]
            if chance.random() < 0.3:
                request = replace(request, details=OrderDetails("someone@example.com"))
        else:
            request = _order(chance, f"order-{len(self.requested) + 1}", self.customers)
            self.requested[request.reference] = request
        viewer = CART if chance.random() < 0.5 else customer(request.customer_reference)
        return Command(
            f"place {request.reference}",
            viewer,
            ("place", request),
            acknowledged=partial(self._was_placed, viewer, request),
        )

    def _was_placed(self, viewer: Viewer, request: OrderRequest, subject: str) -> None:
        order_id = UUID(hex=subject)
        claim = (viewer.customer_reference, request.reference)
        known, first_id = self.placed.setdefault(claim, (request, order_id))
        if first_id != order_id:
            self.complain(f"Rule 1: {request.reference} was placed as two orders")
        elif known != request:
            self.complain(f"{request.reference} was accepted again with other content")

    async def _accept_or_cancel(self, chance: random.Random) -> Command | None:
        open_orders = await self.monitor.fetch(ORDERS)
        if not open_orders:
            return None
        waiting = [row for row in open_orders if row["status"] == "CUSTOMER_ACTION_REQUIRED"]
        paid = [row for row in open_orders if row["is_paid"]]
        row = chance.choice(chance.choice([group for group in (waiting, paid, open_orders) if group]))
        owner: str = row["owner"]
        viewer = chance.choice((CART, CART, *[customer(owner)] * 3, customer("nosy")))
        accepts = row["status"] == "CUSTOMER_ACTION_REQUIRED" and chance.random() < 0.7
        name, event = ("accept", "AmendmentAccepted") if accepts else ("cancel", "OrderCancelled")
        act = amendments.accept if accepts else partial(cancellation.cancel, reason="Changed my mind")
        is_theirs = viewer.customer_reference in (None, owner)
        return Command(
            f"{name} {row['id']}",
            viewer,
            lambda tx: act(tx, viewer, row["id"]),
            key=_key(chance, name, row["id"]) if is_theirs else None,
            event=(row["id"], event, ITSELF) if is_theirs else None,
            allowed=EXPECTED if is_theirs else frozenset({Code.NOT_FOUND}),
            must_fail=not is_theirs,
        )

    async def _move(self, chance: random.Random) -> Command | None:
        fails = chance.random() < 0.15
        status, name, event = chance.choice(
            (("BOOKED", "dispatch", "ShipmentDispatched"), ("DISPATCHED", "deliver", "ShipmentDelivered"))
        )
        found = await self.monitor.fetch(SHIPMENTS, [status, "PENDING"] if chance.random() < 0.1 else [status])
        if not found:
            return None
        key: tuple[UUID, int] = tuple(chance.choice(found))
        if fails:
            return self.failing(key)
        if status == "DISPATCHED" and chance.random() < 0.2:
            return self.attempting(key, _key(chance, "attempt", key))
        return self.moving(key, name, event, _key(chance, name, key))

    @staticmethod
    def failing(key: tuple[UUID, int]) -> Command:
        return Command(
            f"fail {key[0]}-{key[1]}",
            SUPPORT,
            lambda tx: fulfilment.fail(tx, SUPPORT, key, "Lost on the way"),
            event=(key[0], "ShipmentFailed", part(SHIPMENT_PART, key[1])),
        )

    @staticmethod
    def attempting(key: tuple[UUID, int], repeat: IdempotencyKey | None) -> Command:
        return Command(
            f"attempt {key[0]}-{key[1]}",
            COURIER,
            lambda tx: fulfilment.try_again(tx, COURIER, key, "Nobody at home", max_attempts=MAX_ATTEMPTS),
            repeat,
            (key[0], "DeliveryAttempted", part(SHIPMENT_PART, key[1])),
        )

    @staticmethod
    def moving(key: tuple[UUID, int], name: str, event: str, repeat: IdempotencyKey | None = None) -> Command:
        return Command(
            f"{name} {key[0]}-{key[1]}",
            COURIER,
            ("move", MoveShipment(CourierAction(name.upper()), key)),
            repeat,
            (key[0], event, part(SHIPMENT_PART, key[1])),
        )

    async def _manage(self, chance: random.Random) -> Command | None:
        match chance.randrange(6):
            case 0 | 1:
                limit, currency = chance.choice((0, 5_000, 10_000, 20_000)), chance.choice(("USD", "USD", "EUR"))
                return Command(
                    f"limit {limit} {currency}",
                    MANAGER,
                    lambda tx: fraud.set_spending_limit(tx, MANAGER, limit, currency),
                )
            case 2:
                return Command("maintenance on", MANAGER, lambda tx: fraud.set_maintenance(tx, MANAGER, enabled=True))
            case 3:
                return self.end_maintenance()
            case 4:
                return Command("clear spending", MANAGER, lambda tx: fraud.clear_spending(tx, MANAGER, "New period"))
        row = chance.choice(await self.monitor.fetch(STOCK))
        count = StockCount(row["sku"], row["warehouse_code"], row["allocated"] + chance.randrange(8), row["on_hand"])
        return Command(RESTOCK, MANAGER, lambda tx: inventory.set_stock(tx, MANAGER, [count]))

    @staticmethod
    def end_maintenance() -> Command:
        return Command("maintenance off", MANAGER, lambda tx: fraud.set_maintenance(tx, MANAGER, enabled=False))

    async def _repair(self, chance: random.Random) -> Command | None:
        found = await self.monitor.fetch(PARKED)
        if not found:
            return await self._note(chance)
        row = chance.choice(found)
        if chance.random() < 0.5:
            return self.retrying(row)
        key = WorkKey(row["subject_id"], row["part"], row["queue"])
        return Command(f"give up {key}", SUPPORT, lambda tx: parked.give_up(tx, SUPPORT, key, "It keeps failing"))

    @staticmethod
    def retrying(row: Any) -> Command:
        key = WorkKey(row["subject_id"], row["part"], row["queue"])
        return Command(f"retry {key}", SUPPORT, lambda tx: parked.retry(tx, SUPPORT, key))

    async def _note(self, chance: random.Random) -> Command | None:
        open_orders = await self.monitor.fetch(ORDERS)
        if not open_orders:
            return None
        order_id: UUID = chance.choice(open_orders)["id"]
        text = f"note {len(self.sent)}"
        return Command(
            f"{text} on {order_id}",
            SUPPORT,
            lambda tx: notes.add_note(tx, SUPPORT, order_id, text),
            key=IdempotencyKey.of(text, b"body"),
            acknowledged=lambda _: self.noted.add(text),
        )

    async def _repeat(self, chance: random.Random) -> Command | None:
        """After a lost answer, or a double click."""
        return chance.choice(self.sent) if self.sent else None


def _order(chance: random.Random, reference: str, customers: tuple[str, ...]) -> OrderRequest:
    currency = "EUR" if chance.random() < 0.2 else "USD"
    skus = [sku for sku, priced_in in SKUS.items() if priced_in == currency]
    lines = [
        LineRequest(chance.choice(skus), chance.choice((1, 1, 2, 3, 6))) for _ in range(chance.choice((1, 1, 2, 3)))
    ]
    method = "sandbox-declined" if chance.random() < 0.07 else "sandbox-ok"
    return OrderRequest(reference, chance.choice(customers), tuple(lines), payment_method=method)


def _key(chance: random.Random, name: str, subject: object) -> IdempotencyKey | None:
    """Half of the callers send one."""
    return IdempotencyKey.of(f"{name} {subject}", b"body") if chance.random() < 0.5 else None


async def _subject(command: Command, act: Callable[[Tx], Awaitable[Any]], tx: Tx) -> Any:
    """With a key, a JSON value to keep; without one the command's own answer."""
    answer = await act(tx)
    return command.name if command.key else answer
