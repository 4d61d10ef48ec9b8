"""One trial: the shop under load, misfortune after misfortune, each recovery measured, and the reckoning."""

import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uvloop

from oms.domain.access.permissions import Viewer
from oms.domain.catalog import commands as catalog
from oms.domain.catalog.model import Product, Warehouse
from oms.domain.inventory import commands as stock
from oms.domain.inventory.commands import StockCount
from oms.domain.tokens.commands import issue_token
from oms.domain.vocabulary.actor import Role
from oms.platform.db import Database
from oms.platform.settings import CannotStart
from tests.system.faults import reckoning
from tests.system.faults.asking import Caller, Ledger
from tests.system.faults.link import HOST
from tests.system.faults.misfortunes import KINDS, NEEDS_SMALL_DISK, Misfortune, schedule
from tests.system.faults.people import (
    OWN_CUSTOMERS,
    PLENTY,
    SCARCE,
    SKUS,
    WAREHOUSES,
    Boss,
    Buyer,
    Courier,
    Person,
    Support,
)
from tests.system.faults.processes import Shop, small_disk
from tests.system.faults.recovery import Recovery, placing_again_s, until_calm

RECOVERS_WITHIN_S: Final = 180.0
WATCHED_S: Final = 2.0
"""For so long after work is at rest placing is watched, before the next fault comes."""

ENDS_WITHIN_S: Final = 1800.0
_ORDINARY: Final = frozenset({"carried out", "refused", "read"})
PRICES: Final = {sku: 500 + 100 * number for number, sku in enumerate((*SKUS, *SCARCE))}


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried. `kinds` None: all that are possible here. It goes on until both counts are reached.

    `crowd`: so many carts, and twice as many couriers; with the customers they keep two free cores busy at 3.
    """

    seed: int
    operations: int
    faults: int
    scale: float
    kinds: Sequence[str] | None = None
    crowd: int = 1


@dataclass(slots=True)
class Outcome:
    """What came of a trial."""

    trial: Trial
    operations: Counter[str] = field(default_factory=Counter)
    orders: int = 0
    commands: int = 0
    recoveries: list[Recovery] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    timeline: list[str] = field(default_factory=list)
    skipped: str = ""
    took_s: float = 0.0


def play(trial: Trial, *, tell: Callable[[str], None] = lambda _: None) -> Outcome:
    """Plays a trial from start to end, on a folder and a disk of its own."""
    outcome = Outcome(trial)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="oms-faults-")))
        folder.chmod(0o711)
        (folder / "data").mkdir()
        outcome.skipped = stack.enter_context(small_disk(folder / "data"))
        uvloop.run(_Course(trial, outcome, tell).run(folder))
    return outcome


class _Course:
    """A trial under way."""

    def __init__(self, trial: Trial, outcome: Outcome, tell: Callable[[str], None]) -> None:
        self._trial = trial
        self._outcome = outcome
        self._tell = tell
        self._chance = random.Random(trial.seed)
        self._ledger = Ledger()
        self._stop = asyncio.Event()
        self._began_s = time.monotonic()

    def _note(self, text: str) -> None:
        line = f"{time.monotonic() - self._began_s:7.2f} s  {self._ledger.count:6}  {text}"
        self._outcome.timeline.append(line)
        self._tell(line)

    async def run(self, folder: Path) -> None:
        async with Shop(folder) as shop:
            people = await self._people(shop)
            self._note("everything runs")
            living = [asyncio.create_task(person.live(self._stop)) for person in people]
            keeping_up = asyncio.create_task(_keep_up(shop))
            try:
                await self._suffer(shop, living)
            except (OSError, CannotStart) as error:
                self._ledger.complain(f"{type(error).__name__} during a fault: {error}")
            try:
                self._stop.set()
                self._fail_for([each for each in await asyncio.gather(*living, return_exceptions=True) if each])
                await self._come_to_an_end(shop, people)
            finally:
                keeping_up.cancel()
                for task in living:
                    task.cancel()
            await self._settle(shop, people)

    async def _suffer(self, shop: Shop, living: Sequence[asyncio.Task[None]]) -> None:
        possible = [
            kind for kind in self._trial.kinds or KINDS if not (self._outcome.skipped and kind == NEEDS_SMALL_DISK)
        ]
        faults = schedule(self._trial.seed, count=self._trial.faults, scale=self._trial.scale, kinds=possible)
        for fault in faults:
            if any(task.done() for task in living):
                break
            await asyncio.sleep(fault.pause_s)
            await self._strike(shop, fault)
        while self._ledger.count < self._trial.operations and not any(task.done() for task in living):  # noqa: ASYNC110
            await asyncio.sleep(0.2)

    async def _strike(self, shop: Shop, fault: Misfortune) -> None:
        self._note(f"{fault} begins")
        began_s, before = time.monotonic(), Counter(self._ledger.operations)
        await KINDS[fault.kind].strike(shop, fault)
        ended_s = time.monotonic()
        self._note(f"{fault} has ended")
        work_s = await until_calm(shop.database_url, within_s=RECOVERS_WITHIN_S)
        await asyncio.sleep(WATCHED_S)
        placing_s = placing_again_s(self._ledger.placings, since_s=ended_s)
        self._outcome.recoveries.append(Recovery(fault.kind, ended_s - began_s, placing_s, work_s))
        said = {
            what: self._ledger.operations[what] - before[what]
            for what in self._ledger.operations
            if what not in _ORDINARY
        }
        told = f"after {work_s:.1f} s" if work_s is not None else f"not within {RECOVERS_WITHIN_S:.0f} s"
        self._note(f"placing well after {placing_s:.1f} s, work at rest {told}; meanwhile {said}")
        if work_s is None:
            left = await reckoning.stuck(shop)
            self._note(f"left: {left}")
            self._ledger.complain(f"after {fault} work was not at rest within {RECOVERS_WITHIN_S:.0f} s: {left}")
        if fault.kind == "deploy" and said.get("unavailable"):
            self._ledger.complain(f"{said['unavailable']} requests were refused during a deploy")

    def _fail_for(self, errors: Sequence[object]) -> None:
        for error in errors:
            self._ledger.complain(f"{type(error).__name__}: {error}")

    async def _come_to_an_end(self, shop: Shop, people: Sequence[Person]) -> None:
        """Faults have stopped: what waits for people is done, and everything has to become final."""
        [support] = [person for person in people if isinstance(person, Support)]
        couriers = [person for person in people if isinstance(person, Courier)]
        self._note("faults are over, everything has to become final")
        give_up_at_s = time.monotonic() + ENDS_WITHIN_S
        last, moved_at_s = (0, 0), time.monotonic()
        while (left := await reckoning.unfinished(shop)) != (0, 0):
            if left != last:
                last, moved_at_s = left, time.monotonic()
            if time.monotonic() > give_up_at_s or time.monotonic() - moved_at_s > RECOVERS_WITHIN_S:
                self._ledger.complain(
                    f"{left[0]} orders and {left[1]} items of work do not end: {await reckoning.stuck(shop)}"
                )
                return
            await asyncio.gather(
                support.mend(),
                *(courier.empty_the_round(index, len(couriers)) for index, courier in enumerate(couriers)),
            )
            await asyncio.sleep(0.1)

    async def _settle(self, shop: Shop, people: Sequence[Person]) -> None:
        self._note("the reckoning")
        self._ledger.violations += await reckoning.reckon(shop, self._ledger, PRICES)
        for program in shop.started:
            if program.ended_by_itself:
                self._ledger.complain(
                    f"{program.name} ended by itself: {program.ended_by_itself}\n{program.last_words()}"
                )
        for person in people:
            await person.caller.close()
        outcome = self._outcome
        outcome.operations, outcome.orders = self._ledger.operations, len(self._ledger.orders)
        outcome.commands = self._ledger.done.total()
        outcome.violations, outcome.took_s = self._ledger.violations, time.monotonic() - self._began_s
        self._note(
            f"over: {outcome.orders} orders and {outcome.commands} commands acknowledged, "
            f"{len(outcome.violations)} violations"
        )

    async def _people(self, shop: Shop) -> list[Person]:
        """Everybody, with tokens and a stocked catalogue; nothing goes wrong yet."""
        database = Database(shop.database_url, pool_size=2, notify=lambda _: None)
        try:
            await _stock_up(database)
            names = [
                *((f"cart{n}", Role.SERVICE, None) for n in range(self._trial.crowd)),
                *((name, Role.CUSTOMER, name) for name in OWN_CUSTOMERS),
                *((f"courier{n}", Role.COURIER, None) for n in range(2 * self._trial.crowd)),
                ("boss", Role.MANAGER, None),
                ("support", Role.SUPPORT, None),
            ]  # fmt: skip
            return [await self._person(database, shop, *each) for each in names]
        finally:
            await database.close()

    async def _person(self, database: Database, shop: Shop, name: str, role: Role, reference: str | None) -> Person:
        async with database.transaction() as tx:
            token = await issue_token(tx, role=role, name=name, customer_reference=reference, days=None)
        url = f"http://{HOST}:{shop.to_web.port}"
        caller = Caller(name, url, token, self._ledger, random.Random(f"{self._trial.seed} {name}"))
        match role:
            case Role.COURIER:
                return Courier(caller)
            case Role.MANAGER:
                return Boss(caller)
            case Role.SUPPORT:
                return Support(caller)
            case _:
                return Buyer(caller, is_cart=role == Role.SERVICE)


async def _keep_up(shop: Shop) -> None:
    while True:
        shop.keep_up()
        await asyncio.sleep(0.5)


async def _stock_up(database: Database) -> None:
    by = Viewer("boss", Role.MANAGER)
    async with database.transaction() as tx:
        await catalog.upsert_warehouses(tx, by, [Warehouse(code, code) for code in WAREHOUSES])
        await catalog.upsert_products(tx, by, [Product(sku, sku, price, "USD") for sku, price in PRICES.items()])
        plenty = [StockCount(sku, WAREHOUSES[n % 3], PLENTY) for n, sku in enumerate(SKUS)]
        await stock.set_stock(tx, by, plenty + [StockCount(sku, code, 2) for sku in SCARCE for code in WAREHOUSES])
