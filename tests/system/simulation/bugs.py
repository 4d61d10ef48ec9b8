"""Bugs planted on purpose: each takes one safeguard out of the product, so that the simulation itself is tested."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from unittest import mock
from uuid import uuid4

from sqlalchemy import text

from oms.domain.allocation import commands as allocation
from oms.domain.allocation import effects as allocation_effects
from oms.domain.allocation import plan as stock_model
from oms.domain.allocation.effects import Claim
from oms.domain.allocation.plan import Plan
from oms.domain.amendments import rules as amendments
from oms.domain.billing.commands import Settled
from oms.domain.booking import commands as booking_handle
from oms.domain.booking.rules import BookingStep
from oms.domain.concept.work import Due
from oms.domain.fraud import store as fraud_store
from oms.domain.inventory import store as stock_store
from oms.domain.inventory.store import StockKey
from oms.domain.order import access as order_access
from oms.domain.order.model import Order
from oms.domain.order.shipment import OPEN, Shipment, ShipmentStatus
from oms.domain.order.storage import effects as order_effects
from oms.domain.order.storage import load as order_load
from oms.domain.order.storage import save as order_save
from oms.domain.order_queries import event_log
from oms.domain.parked import commands as work_handle
from oms.domain.placing import commands as placing
from oms.domain.work import store as work_store
from oms.domain.work.model import WorkKey
from oms.domain.work.store import Batch
from oms.jobs import billing as billing_job
from oms.jobs import booking as booking_job
from oms.platform.db import Statement, Tx
from oms.providers.ports import ProviderUnavailable
from oms.web.live.hub import LiveHub

MEETING: Final = {
    "workers": 3,
    "batch": 1,
    "slow_share": 0.5,
    "held_share": 0.2,
    "run_on_share": 0.3,
    "fault_share": 0.0,
    "shares": (1.0, 0.0, 0.0, 0.0),
    "units": 30,
    "customers": ("ana",),
}
"""Many workers, one customer, and transactions that stop at every statement."""

LATE: Final = {
    "workers": 3,
    "slow_share": 0.0,
    "held_share": 0.1,
    "fault_share": 0.12,
    "faults": (1, 8, 0, 8, 0, 0, 0),
    "habits": (15, 45, 10, 0, 5, 5),
    "units": 30,
    "limit_minor": 0,
}
"""Workers that freeze for longer than their lease, while customers cancel."""

ILL: Final = {
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
    """`is_race`: it shows only where two transactions meet, or a worker is late.

    `temper` is what its histories have in common, so that it is found soon.
    """

    name: str
    plant: Callable[[], Iterator[Any]]
    is_race: bool
    temper: Mapping[str, Any]


def _without(module: Any, name: str, piece: str, instead: str = "") -> Any:
    """A statement of the product without a piece of its SQL."""
    whole = getattr(module, name)
    assert piece in whole.text, f"{name} no longer says {piece!r}"
    made = Statement if isinstance(whole, Statement) else text
    return mock.patch.object(module, name, made(whole.text.replace(piece, instead)))


def skip_stock_lock() -> Iterator[Any]:
    yield _without(stock_store, "_LOCK", "FOR UPDATE")


def skip_order_lock() -> Iterator[Any]:
    yield _without(order_load, "_LOCK", "FOR UPDATE")


def new_charge_key_each_call() -> Iterator[Any]:
    def key(about: WorkKey, purpose: str) -> str:
        return f"{about.subject_id.hex}-{about.part}-{purpose}" + (f"-{uuid4()}" if purpose == "charge" else "")

    yield mock.patch.object(billing_job, "_key", key)


def new_refund_key_each_call() -> Iterator[Any]:
    def key(about: WorkKey, purpose: str) -> str:
        return f"{about.subject_id.hex}-{about.part}-{purpose}" + (f"-{uuid4()}" if purpose == "refund" else "")

    yield mock.patch.object(billing_job, "_key", key)


def write_without_the_claim() -> Iterator[Any]:
    yield _without(work_store, "_VERIFY", "WHERE work.claim = :claim", "WHERE true OR work.claim = :claim")


def hold_no_claims() -> Iterator[Any]:
    """Whoever comes takes what another works on, and both write."""
    yield _without(work_store, "_CLAIM", "AND (leased_until IS NULL OR leased_until < statement_timestamp())")
    yield from write_without_the_claim()


def reserve_nothing() -> Iterator[Any]:
    move = fraud_store.move_tallies

    async def only_back(tx: Tx, moves: Mapping[Any, int]) -> None:
        await move(tx, {key: minor for key, minor in moves.items() if minor < 0})

    yield mock.patch.object(fraud_store, "move_tallies", only_back)


def give_no_tally_back() -> Iterator[Any]:
    move = fraud_store.move_tallies

    async def only_forth(tx: Tx, moves: Mapping[Any, int]) -> None:
        await move(tx, {key: minor for key, minor in moves.items() if minor > 0})

    yield mock.patch.object(fraud_store, "move_tallies", only_forth)


def give_back_into_the_new_period() -> Iterator[Any]:
    move = fraud_store.move_tallies

    async def into_now(tx: Tx, moves: Mapping[Any, int]) -> None:
        period = (await fraud_store.read_settings(tx)).period
        await move(tx, {(customer, currency, period): minor for (customer, currency, _), minor in moves.items()})

    yield mock.patch.object(fraud_store, "move_tallies", into_now)


def release_stock_twice() -> Iterator[Any]:
    move = stock_store.move

    async def twice(tx: Tx, *, allocated: Mapping[StockKey, int], gone: Mapping[StockKey, int]) -> None:
        await move(tx, allocated=allocated, gone=gone)
        released = {key: min(0, units + gone.get(key, 0)) for key, units in allocated.items()}
        await move(tx, allocated=released, gone={})

    yield mock.patch.object(stock_store, "move", twice)


def keep_the_stock_of_declined() -> Iterator[Any]:
    def claim(shipment: Shipment) -> Claim:
        if shipment.dispatched_at:
            return Claim.GONE
        return Claim.ALLOCATED if shipment.status in (*OPEN, ShipmentStatus.FAILED) else Claim.NONE

    yield mock.patch.object(allocation_effects, "claim_of", claim)


def allocate_what_is_short() -> Iterator[Any]:
    def generous(demand: Mapping[str, int], levels: stock_model.Levels) -> Plan:
        return stock_model.plan(demand, {sku: dict.fromkeys(held, 1000) for sku, held in levels.items()})

    yield mock.patch.object(allocation, "plan", generous)


def forget_an_event() -> Iterator[Any]:
    rows = order_save._event_rows

    def forgetful(orders: Iterable[Order]) -> list[Sequence[Any]]:
        return [row for row in rows(orders) if "ShipmentDelivered" not in row]

    yield mock.patch.object(order_save, "_event_rows", forgetful)


def accept_after_the_deadline() -> Iterator[Any]:
    def can_accept(order: Order, **_: Any) -> bool:
        return bool(order.shipments)

    yield mock.patch.object(amendments, "can_accept", can_accept)


def time_out_whoever_answered() -> Iterator[Any]:
    """The timer looks at the instant it was set for, and not at whether the customer has answered."""
    accept = amendments.accept

    def keeping_the_deadline(order: Order, **how: Any) -> None:
        deadline = order.action_deadline
        accept(order, **how)
        order.action_deadline = deadline

    yield mock.patch.object(amendments, "accept", keeping_the_deadline)


def drop_work_of_cancelled() -> Iterator[Any]:
    due_work = order_effects.due_work

    def forgetful(order: Order) -> dict[WorkKey, Due]:
        return {} if order.status == "CANCELLED" else due_work(order)

    yield mock.patch.object(order_effects, "due_work", forgetful)


def read_settings_without_lock() -> Iterator[Any]:
    read = fraud_store.read_settings

    async def unlocked(tx: Tx, *, lock: str = "") -> Any:
        return await read(tx, lock="" if lock == "FOR SHARE" else lock)

    yield mock.patch.object(fraud_store, "read_settings", unlocked)


def read_tally_without_lock() -> Iterator[Any]:
    query = text(
        "SELECT spent_minor FROM tallies WHERE customer_id = :customer AND currency = :currency AND period = :p"
    )
    lock = fraud_store.lock_tallies

    async def stale(tx: Tx, keys: Collection[tuple[Any, str]], period: int) -> dict[tuple[Any, str], int]:
        read = {
            (customer, currency): (
                await tx.conn.execute(query, {"customer": customer, "currency": currency, "p": period})
            ).scalar()
            for customer, currency in sorted(keys)
        }
        if not all(minor is not None for minor in read.values()):
            return await lock(tx, keys, period)
        return {key: minor or 0 for key, minor in read.items()}

    yield mock.patch.object(fraud_store, "lock_tallies", stale)


def take_silence_for_a_decline() -> Iterator[Any]:
    call = billing_job._call

    async def hasty(shop: Any, asked: Any) -> Any:
        try:
            return await call(shop, asked)
        except ProviderUnavailable:
            return Settled(declined="NO_ANSWER")

    yield mock.patch.object(billing_job, "_call", hasty)


def take_silence_for_no_booking() -> Iterator[Any]:
    call = booking_job._call

    async def hasty(shop: Any, asked: Any) -> Any:
        try:
            return await call(shop, asked)
        except ProviderUnavailable:
            return (
                booking_handle.NoCourier("NO_ANSWER") if asked.step == BookingStep.BOOK else booking_handle.Released()
            )

    yield mock.patch.object(booking_job, "_call", hasty)


def never_take_over() -> Iterator[Any]:
    """What a crashed worker held stays its own for ever."""
    yield _without(
        work_store, "_CLAIM", "(leased_until IS NULL OR leased_until < statement_timestamp())", "leased_until IS NULL"
    )


def hold_for_ever() -> Iterator[Any]:
    yield mock.patch.object(work_store, "release_held", mock.AsyncMock())


def park_without_telling() -> Iterator[Any]:
    yield mock.patch.object(work_handle, "_note", mock.Mock())


def place_again_what_was_placed() -> Iterator[Any]:
    """The reference is taken; the content is not looked at."""
    yield mock.patch.object(placing, "_repeat", lambda _, order_id, __: order_id)


def forget_whose_order_it_is() -> Iterator[Any]:
    yield mock.patch.object(order_access, "may_for", mock.Mock(return_value=True))


def finish_by_forgetting() -> Iterator[Any]:
    """Handled work is deleted, though its subject's next step stands in the same row."""
    delete = Statement(
        """
        DELETE FROM work USING unnest(CAST(:subjects AS uuid[]), CAST(:parts AS int[]), CAST(:queues AS text[]))
            AS t(subject_id, part, queue)
        WHERE work.subject_id = t.subject_id AND work.part = t.part AND work.queue = t.queue AND claim = :claim
        """
    )

    async def forget(tx: Tx, batch: Batch, keys: Collection[WorkKey]) -> None:
        if keys:
            await tx.run(delete, **work_store._columns(keys), claim=batch.token)

    yield mock.patch.object(work_store, "ack", forget)


def read_the_log_past_open_transactions() -> Iterator[Any]:
    yield _without(event_log, "_HORIZON", "pg_snapshot_xmin", "pg_snapshot_xmax")


def tell_only_what_was_rung() -> Iterator[Any]:
    """Doorbells are trusted, and the log is not read again."""
    yield mock.patch.object(LiveHub, "_read_log", mock.AsyncMock())


RACES: Final = {
    read_the_log_past_open_transactions,
    skip_stock_lock,
    skip_order_lock,
    read_settings_without_lock,
    read_tally_without_lock,
    write_without_the_claim,
    hold_no_claims,
    never_take_over,
    accept_after_the_deadline,
}

TEMPERS: Final[Mapping[Any, Mapping[str, Any]]] = {
    skip_stock_lock: MEETING | {"units": 3},
    read_settings_without_lock: MEETING | {"habits": (30, 0, 0, 40, 0, 0)},
    read_tally_without_lock: MEETING | {"habits": (40, 0, 0, 0, 0, 0), "limit_minor": 5_000},
    write_without_the_claim: LATE,
    hold_no_claims: LATE,
    new_refund_key_each_call: ILL,
    take_silence_for_a_decline: ILL,
    take_silence_for_no_booking: ILL,
    park_without_telling: ILL | {"attempts": 2},
    accept_after_the_deadline: {"answer_within": timedelta(seconds=2), "units": 3, "habits": (30, 60, 0, 0, 0, 0)},
}

BUGS: Final = tuple(
    Bug(plant.__name__, plant, plant in RACES, TEMPERS.get(plant, {}))
    for plant in (
        skip_stock_lock,
        skip_order_lock,
        read_settings_without_lock,
        read_tally_without_lock,
        new_charge_key_each_call,
        new_refund_key_each_call,
        write_without_the_claim,
        hold_no_claims,
        never_take_over,
        finish_by_forgetting,
        drop_work_of_cancelled,
        hold_for_ever,
        park_without_telling,
        reserve_nothing,
        give_no_tally_back,
        give_back_into_the_new_period,
        release_stock_twice,
        keep_the_stock_of_declined,
        allocate_what_is_short,
        forget_an_event,
        accept_after_the_deadline,
        time_out_whoever_answered,
        take_silence_for_a_decline,
        take_silence_for_no_booking,
        place_again_what_was_placed,
        forget_whose_order_it_is,
        read_the_log_past_open_transactions,
        tell_only_what_was_rung,
    )
)


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """The product with this bug, for as long as this is entered."""
    with ExitStack() as stack:
        for patch in bug.plant():
            stack.enter_context(patch)
        yield
