"""Bugs planted on purpose: each takes one safeguard out of the product, to test the simulation itself."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from unittest import mock
from uuid import uuid4

from sqlalchemy import text

from oms.domain.allocation import effects as allocation_effects
from oms.domain.allocation import plan as allocation_plan
from oms.domain.allocation import rules as allocation_rules
from oms.domain.allocation.effects import Claim
from oms.domain.allocation.plan import Levels, Plan
from oms.domain.amendments import rules as amendments
from oms.domain.billing.commands import Settled
from oms.domain.booking.commands import NoCourier, Released
from oms.domain.booking.rules import BookingStep
from oms.domain.concept.work import Due
from oms.domain.fraud import store as fraud_store
from oms.domain.fraud.model import FraudSettings
from oms.domain.inventory import store as inventory_store
from oms.domain.inventory.store import StockKey
from oms.domain.order import access as order_access
from oms.domain.order.model import Order
from oms.domain.order.shipment import OPEN, Shipment, ShipmentStatus
from oms.domain.order.storage import effects as order_effects
from oms.domain.order.storage import load as order_load
from oms.domain.order.storage import save as order_save
from oms.domain.order_queries import event_log
from oms.domain.parked import commands as parked
from oms.domain.placing import commands as placing
from oms.domain.placing import store as placing_store
from oms.domain.placing.commands import Placed
from oms.domain.placing.limits import Standing, Standings
from oms.domain.work import store as work_store
from oms.domain.work.model import WorkKey
from oms.domain.work.store import Batch
from oms.jobs import billing as billing_job
from oms.jobs import booking as booking_job
from oms.platform.db import Statement, Tx
from oms.providers.ports import ProviderUnavailable
from oms.web.live.hub import LiveHub

CONCURRENT: Final = {
    "workers": 3,
    "batch": 1,
    "slow_share": 0.5,
    "late_commit_share": 0.2,
    "continue_share": 0.3,
    "fault_share": 0.0,
    "shares": (1.0, 0.0, 0.0, 0.0),
    "units": 30,
    "customers": ("ana",),
}
"""Many workers, one customer, and transactions that pause at every statement."""

FROZEN_WORKERS: Final = {
    "workers": 3,
    "slow_share": 0.0,
    "late_commit_share": 0.1,
    "fault_share": 0.12,
    "faults": (1, 8, 0, 8, 0, 0, 0),
    "habits": (15, 45, 10, 0, 5, 5),
    "units": 30,
    "limit_minor": 0,
}
"""Workers that freeze for longer than their lease, while customers cancel."""

LOST_ANSWERS: Final = {
    "shares": (0.4, 0.2, 0.2, 0.2),
    "slow_share": 0.0,
    "fault_share": 0.02,
    "habits": (15, 45, 30, 0, 10, 5),
    "units": 30,
    "limit_minor": 0,
}
"""Providers whose answers get lost, while customers cancel."""


@dataclass(frozen=True, slots=True)
class Bug:
    """`profile`: fields that all its histories have in common, so that it is found soon."""

    name: str
    plant: Callable[[], Iterator[Any]]
    profile: Mapping[str, Any]


def _without(module: Any, name: str, piece: str, instead: str = "") -> Any:
    """A statement of the product without a piece of its SQL."""
    whole = getattr(module, name)
    assert piece in whole.text, f"{name} does not contain {piece!r}"
    make = Statement if isinstance(whole, Statement) else text
    return mock.patch.object(module, name, make(whole.text.replace(piece, instead)))


def skip_stock_lock() -> Iterator[Any]:
    yield _without(inventory_store, "_LOCK", "FOR UPDATE")


def skip_order_lock() -> Iterator[Any]:
    yield _without(order_load, "_LOCK", "FOR UPDATE")


def new_charge_key_each_call() -> Iterator[Any]:
    def key(work: WorkKey, purpose: str) -> str:
        return f"{work.subject_id.hex}-{work.part}-{purpose}" + (f"-{uuid4()}" if purpose == "charge" else "")

    yield mock.patch.object(billing_job, "_key", key)


def new_refund_key_each_call() -> Iterator[Any]:
    def key(work: WorkKey, purpose: str) -> str:
        return f"{work.subject_id.hex}-{work.part}-{purpose}" + (f"-{uuid4()}" if purpose == "refund" else "")

    yield mock.patch.object(billing_job, "_key", key)


def write_without_a_claim() -> Iterator[Any]:
    yield _without(work_store, "_VERIFY", "WHERE work.claim = :claim", "WHERE true OR work.claim = :claim")


def claim_what_others_hold() -> Iterator[Any]:
    """A worker claims items that another one is processing, and both write."""
    yield _without(work_store, "_CLAIM", "AND (leased_until IS NULL OR leased_until < statement_timestamp())")
    yield from write_without_a_claim()


def reserve_nothing() -> Iterator[Any]:
    move = fraud_store.move_tallies

    async def only_decreases(tx: Tx, moves: Mapping[Any, int]) -> None:
        await move(tx, {key: minor for key, minor in moves.items() if minor < 0})

    yield mock.patch.object(fraud_store, "move_tallies", only_decreases)


def never_decrease_tallies() -> Iterator[Any]:
    move = fraud_store.move_tallies

    async def only_increases(tx: Tx, moves: Mapping[Any, int]) -> None:
        await move(tx, {key: minor for key, minor in moves.items() if minor > 0})

    yield mock.patch.object(fraud_store, "move_tallies", only_increases)


def give_back_into_the_current_period() -> Iterator[Any]:
    move = fraud_store.move_tallies

    async def into_current_period(tx: Tx, moves: Mapping[Any, int]) -> None:
        period = (await fraud_store.settings_for_charges(tx))[0].period
        await move(tx, {(customer, currency, period): minor for (customer, currency, _), minor in moves.items()})

    yield mock.patch.object(fraud_store, "move_tallies", into_current_period)


def release_stock_twice() -> Iterator[Any]:
    move = inventory_store.move

    async def twice(tx: Tx, *, allocated: Mapping[StockKey, int], gone: Mapping[StockKey, int]) -> None:
        await move(tx, allocated=allocated, gone=gone)
        released = {key: min(0, units + gone.get(key, 0)) for key, units in allocated.items()}
        await move(tx, allocated=released, gone={})

    yield mock.patch.object(inventory_store, "move", twice)


def keep_stock_of_failed_shipments() -> Iterator[Any]:
    def claim(shipment: Shipment) -> Claim:
        if shipment.dispatched_at:
            return Claim.GONE
        return Claim.ALLOCATED if shipment.status in (*OPEN, ShipmentStatus.FAILED) else Claim.NONE

    yield mock.patch.object(allocation_effects, "claim_of", claim)


def allocate_more_than_available() -> Iterator[Any]:
    def unlimited(demand: Mapping[str, int], levels: Levels, **limits: Any) -> Plan:
        return allocation_plan.plan(demand, {sku: dict.fromkeys(held, 1000) for sku, held in levels.items()}, **limits)

    yield mock.patch.object(allocation_rules, "plan", unlimited)


def forget_what_customers_hold_unpaid() -> Iterator[Any]:
    async def nothing(_tx: Tx, customers: Iterable[str]) -> Standings:
        return {customer: Standing() for customer in customers}

    yield mock.patch.object(placing_store, "standings", nothing)


def keep_all_of_amended_orders() -> Iterator[Any]:
    def everything(demand: Mapping[str, int], plan: Plan, _most: int) -> dict[str, int]:
        return {sku: units - plan.short.get(sku, 0) for sku, units in demand.items()}

    yield mock.patch.object(allocation_rules, "kept", everything)


def lose_an_event() -> Iterator[Any]:
    rows = order_save._event_rows

    def incomplete(orders: Iterable[Order]) -> list[Sequence[Any]]:
        return [row for row in rows(orders) if "ShipmentDelivered" not in row]

    yield mock.patch.object(order_save, "_event_rows", incomplete)


def accept_after_the_deadline() -> Iterator[Any]:
    def can_accept(order: Order, **_: Any) -> bool:
        return bool(order.shipments)

    yield mock.patch.object(amendments, "can_accept", can_accept)


def time_out_accepted_orders() -> Iterator[Any]:
    """The timer looks at the deadline, and not at whether the customer answered."""
    accept = amendments.accept

    def keep_deadline(order: Order, **how: Any) -> None:
        deadline = order.action_deadline
        accept(order, **how)
        order.action_deadline = deadline

    yield mock.patch.object(amendments, "accept", keep_deadline)


def drop_work_of_cancelled_orders() -> Iterator[Any]:
    due_work = order_effects.due_work

    def incomplete(order: Order) -> dict[WorkKey, Due]:
        return {} if order.status == "CANCELLED" else due_work(order)

    yield mock.patch.object(order_effects, "due_work", incomplete)


def read_settings_without_lock() -> Iterator[Any]:
    locked = fraud_store._FOR_CHARGES.text
    assert "FOR SHARE" in locked
    yield mock.patch.object(fraud_store, "_FOR_CHARGES", Statement(locked.replace("FOR SHARE", "")))


def compare_with_the_limit_of_another_currency() -> Iterator[Any]:
    def in_dollars(settings: FraudSettings, _: str) -> int:
        return settings.limits.get("USD", 0)

    yield mock.patch.object(FraudSettings, "limit_minor", in_dollars)


def read_tally_without_lock() -> Iterator[Any]:
    query = text(
        "SELECT spent_minor FROM tallies WHERE customer_id = :customer AND currency = :currency AND period = :p"
    )
    lock = fraud_store.lock_tallies

    async def without_lock(tx: Tx, keys: Collection[tuple[Any, str]], period: int) -> dict[tuple[Any, str], int]:
        read = {
            (customer, currency): (
                await tx.conn.execute(query, {"customer": customer, "currency": currency, "p": period})
            ).scalar()
            for customer, currency in sorted(keys)
        }
        if not all(minor is not None for minor in read.values()):
            return await lock(tx, keys, period)
        return {key: minor or 0 for key, minor in read.items()}

    yield mock.patch.object(fraud_store, "lock_tallies", without_lock)


def treat_unknown_charge_as_declined() -> Iterator[Any]:
    call = billing_job._call

    async def without_unknown(context: Any, request: Any) -> Any:
        try:
            return await call(context, request)
        except ProviderUnavailable:
            return Settled(declined="NO_ANSWER")

    yield mock.patch.object(billing_job, "_call", without_unknown)


def treat_unknown_booking_as_refused() -> Iterator[Any]:
    call = booking_job._call

    async def without_unknown(context: Any, request: Any) -> Any:
        try:
            return await call(context, request)
        except ProviderUnavailable:
            return NoCourier("NO_ANSWER") if request.step == BookingStep.BOOK else Released()

    yield mock.patch.object(booking_job, "_call", without_unknown)


def never_take_over() -> Iterator[Any]:
    """What a crashed worker holds is never released."""
    yield _without(
        work_store, "_CLAIM", "(leased_until IS NULL OR leased_until < statement_timestamp())", "leased_until IS NULL"
    )


def never_release_held() -> Iterator[Any]:
    yield mock.patch.object(work_store, "release_held", mock.AsyncMock())


def park_without_event() -> Iterator[Any]:
    yield mock.patch.object(parked, "_note", mock.Mock())


def ignore_content_of_repeated_orders() -> Iterator[Any]:
    """Orders with the same reference are taken for the same, whatever their content."""
    yield mock.patch.object(placing, "_repeat", lambda _, order_id, __: Placed(order_id))


def ignore_whose_order_it_is() -> Iterator[Any]:
    yield mock.patch.object(order_access, "may_for", mock.Mock(return_value=True))


def delete_processed_work() -> Iterator[Any]:
    """Processed work is deleted, although its next step is in the same row."""
    delete = Statement(
        """
        DELETE FROM work USING unnest(CAST(:subjects AS uuid[]), CAST(:parts AS int[]), CAST(:queues AS text[]))
            AS t(subject_id, part, queue)
        WHERE work.subject_id = t.subject_id AND work.part = t.part AND work.queue = t.queue AND claim = :claim
        """
    )

    async def delete_work(tx: Tx, batch: Batch, keys: Collection[WorkKey]) -> None:
        if keys:
            await tx.run(delete, **work_store._columns(keys), claim=batch.token)

    yield mock.patch.object(work_store, "ack", delete_work)


def read_the_log_past_open_transactions() -> Iterator[Any]:
    yield _without(event_log, "_HORIZON", "pg_snapshot_xmin", "pg_snapshot_xmax")


def trust_notifications() -> Iterator[Any]:
    """The hub never reads the log: lost notifications are not made up for."""
    yield mock.patch.object(LiveHub, "_read_log", mock.AsyncMock())


PROFILES: Final[Mapping[Any, Mapping[str, Any]]] = {
    skip_stock_lock: CONCURRENT | {"units": 3},
    read_settings_without_lock: CONCURRENT | {"habits": (30, 0, 0, 40, 0, 0)},
    compare_with_the_limit_of_another_currency: {"habits": (40, 0, 0, 0, 0, 0), "limit_minor": 12_000},
    read_tally_without_lock: CONCURRENT | {"habits": (40, 0, 0, 0, 0, 0), "limit_minor": 5_000},
    write_without_a_claim: FROZEN_WORKERS,
    claim_what_others_hold: FROZEN_WORKERS,
    new_refund_key_each_call: LOST_ANSWERS,
    treat_unknown_charge_as_declined: LOST_ANSWERS,
    treat_unknown_booking_as_refused: LOST_ANSWERS,
    park_without_event: LOST_ANSWERS | {"attempts": 2},
    accept_after_the_deadline: {"answer_within": timedelta(seconds=2), "units": 3, "habits": (30, 60, 0, 0, 0, 0)},
}

BUGS: Final = tuple(
    Bug(plant.__name__, plant, PROFILES.get(plant, {}))
    for plant in (
        skip_stock_lock,
        skip_order_lock,
        read_settings_without_lock,
        compare_with_the_limit_of_another_currency,
        read_tally_without_lock,
        new_charge_key_each_call,
        new_refund_key_each_call,
        write_without_a_claim,
        claim_what_others_hold,
        never_take_over,
        delete_processed_work,
        drop_work_of_cancelled_orders,
        never_release_held,
        park_without_event,
        reserve_nothing,
        never_decrease_tallies,
        give_back_into_the_current_period,
        release_stock_twice,
        keep_stock_of_failed_shipments,
        allocate_more_than_available,
        forget_what_customers_hold_unpaid,
        keep_all_of_amended_orders,
        lose_an_event,
        accept_after_the_deadline,
        time_out_accepted_orders,
        treat_unknown_charge_as_declined,
        treat_unknown_booking_as_refused,
        ignore_content_of_repeated_orders,
        ignore_whose_order_it_is,
        read_the_log_past_open_transactions,
        trust_notifications,
    )
)


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """The product with this bug, inside the block."""
    with ExitStack() as stack:
        for patch in bug.plant():
            stack.enter_context(patch)
        yield
