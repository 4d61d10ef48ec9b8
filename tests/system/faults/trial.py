"""One trial: the product under load, fault after fault, each recovery measured, and the final checks."""

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
from oms.domain.inventory import commands as inventory
from oms.domain.inventory.commands import StockCount
from oms.domain.tokens.commands import issue_token
from oms.domain.vocabulary.actor import Role
from oms.platform.db import Database
from oms.platform.settings import CannotStart
from tests.system.faults import final_checks
from tests.system.faults.caller import Caller, Ledger
from tests.system.faults.deployment import Deployment, small_disk
from tests.system.faults.fault_kinds import DEPLOY, DISK_FULL, KINDS, Fault, schedule
from tests.system.faults.link import HOST
from tests.system.faults.people import (
    OWN_CUSTOMERS,
    PLENTY,
    SCARCE,
    SKUS,
    WAREHOUSES,
    Buyer,
    Courier,
    Manager,
    Person,
    Support,
)
from tests.system.faults.recovery import Recovery, placing_again_s, until_calm

RECOVERS_WITHIN_S: Final = 180.0
OBSERVED_S: Final = 2.0
"""How long placing is observed once work is calm, before the next fault."""

ENDS_WITHIN_S: Final = 1800.0
_NORMAL: Final = frozenset({"executed", "refused", "read"})
PRICES: Final = {sku: 500 + 100 * number for number, sku in enumerate((*SKUS, *SCARCE))}


@dataclass(frozen=True, slots=True)
class Trial:
    """Runs until both counts are reached. `kinds` None: all that are possible here.

    `crowd`: the number of carts, and half the number of couriers; with the customers, 3 keeps two free cores busy.
    """

    seed: int
    operations: int
    faults: int
    scale: float
    kinds: Sequence[str] | None = None
    crowd: int = 1


@dataclass(slots=True)
class Outcome:
    """`skipped`: why there was no small disk to fill, if there was none."""

    trial: Trial
    operations: Counter[str] = field(default_factory=Counter)
    orders: int = 0
    commands: int = 0
    recoveries: list[Recovery] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    timeline: list[str] = field(default_factory=list)
    skipped: str = ""
    took_s: float = 0.0


def run(trial: Trial, *, report: Callable[[str], None] = lambda _: None) -> Outcome:
    """Runs a trial from start to end, in a folder and on a disk of its own."""
    outcome = Outcome(trial)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="oms-faults-")))
        folder.chmod(0o711)
        (folder / "data").mkdir()
        outcome.skipped = stack.enter_context(small_disk(folder / "data"))
        uvloop.run(_Run(trial, outcome, report).run(folder))
    return outcome


class _Run:
    """A trial in progress."""

    def __init__(self, trial: Trial, outcome: Outcome, report: Callable[[str], None]) -> None:
        self._trial = trial
        self._outcome = outcome
        self._report = report
        self._ledger = Ledger()
        self._stop = asyncio.Event()
        self._started_s = time.monotonic()

    def _note(self, text: str) -> None:
        line = f"{time.monotonic() - self._started_s:7.2f} s  {self._ledger.count:6}  {text}"
        self._outcome.timeline.append(line)
        self._report(line)

    async def run(self, folder: Path) -> None:
        async with Deployment(folder) as deployment:
            people = await self._people(deployment)
            self._note("everything runs")
            load = [asyncio.create_task(person.run(self._stop)) for person in people]
            supervisor = asyncio.create_task(_restart_ended(deployment))
            try:
                await self._inject_faults(deployment, load)
            except (OSError, CannotStart) as error:
                self._ledger.complain(f"{type(error).__name__} during a fault: {error}")
            try:
                self._stop.set()
                for failure in await asyncio.gather(*load, return_exceptions=True):
                    if failure:
                        self._ledger.complain(f"{type(failure).__name__}: {failure}")
                await self._finish_orders(deployment, people)
            finally:
                supervisor.cancel()
                for task in load:
                    task.cancel()
            await self._check(deployment, people)

    async def _inject_faults(self, deployment: Deployment, load: Sequence[asyncio.Task[None]]) -> None:
        possible = [kind for kind in self._trial.kinds or KINDS if not (self._outcome.skipped and kind == DISK_FULL)]
        faults = schedule(self._trial.seed, count=self._trial.faults, scale=self._trial.scale, kinds=possible)
        for fault in faults:
            if any(task.done() for task in load):
                break
            await asyncio.sleep(fault.pause_s)
            await self._inject(deployment, fault)
        while self._ledger.count < self._trial.operations and not any(task.done() for task in load):  # noqa: ASYNC110
            await asyncio.sleep(0.2)

    async def _inject(self, deployment: Deployment, fault: Fault) -> None:
        self._note(f"{fault} starts")
        before = Counter(self._ledger.operations)
        await KINDS[fault.kind].inject(deployment, fault)
        ended_s = time.monotonic()
        self._note(f"{fault} has ended")
        work_s = await until_calm(deployment.database_url, within_s=RECOVERS_WITHIN_S)
        await asyncio.sleep(OBSERVED_S)
        placing_s = placing_again_s(self._ledger.placings, since_s=ended_s)
        self._outcome.recoveries.append(Recovery(fault.kind, placing_s, work_s))
        meanwhile = {
            what: self._ledger.operations[what] - before[what]
            for what in self._ledger.operations
            if what not in _NORMAL
        }
        calm = f"after {work_s:.1f} s" if work_s is not None else f"not within {RECOVERS_WITHIN_S:.0f} s"
        self._note(f"placing again after {placing_s:.1f} s, work calm {calm}; meanwhile {meanwhile}")
        if work_s is None:
            left = await final_checks.stuck(deployment)
            self._note(f"left: {left}")
            self._ledger.complain(f"after {fault} work was not calm within {RECOVERS_WITHIN_S:.0f} s: {left}")
        if fault.kind == DEPLOY and meanwhile.get("unavailable"):
            self._ledger.complain(f"{meanwhile['unavailable']} requests were unavailable during a deploy")

    async def _finish_orders(self, deployment: Deployment, people: Sequence[Person]) -> None:
        """After the faults: people finish what waits for them, and everything must become final."""
        [support] = [person for person in people if isinstance(person, Support)]
        couriers = [person for person in people if isinstance(person, Courier)]
        self._note("faults are over, everything must become final")
        give_up_at_s = time.monotonic() + ENDS_WITHIN_S
        last, changed_at_s = (0, 0), time.monotonic()
        while (left := await final_checks.unfinished(deployment)) != (0, 0):
            if left != last:
                last, changed_at_s = left, time.monotonic()
            if time.monotonic() > give_up_at_s or time.monotonic() - changed_at_s > RECOVERS_WITHIN_S:
                self._ledger.complain(
                    f"{left[0]} orders and {left[1]} items of work do not end: {await final_checks.stuck(deployment)}"
                )
                return
            await asyncio.gather(
                support.retry_parked(),
                *(courier.move_all(index, len(couriers)) for index, courier in enumerate(couriers)),
            )
            await asyncio.sleep(0.1)

    async def _check(self, deployment: Deployment, people: Sequence[Person]) -> None:
        self._note("final checks")
        self._ledger.violations += await final_checks.violations(deployment, self._ledger, PRICES)
        for program in deployment.started:
            if program.unexpected_ends:
                self._ledger.complain(
                    f"{program.name} ended by itself: {program.unexpected_ends}\n{program.log_tail()}"
                )
        for person in people:
            await person.caller.close()
        outcome = self._outcome
        outcome.operations, outcome.orders = self._ledger.operations, len(self._ledger.orders)
        outcome.commands = self._ledger.acknowledged.total()
        outcome.violations, outcome.took_s = self._ledger.violations, time.monotonic() - self._started_s
        self._note(
            f"done: {outcome.orders} orders and {outcome.commands} commands acknowledged, "
            f"{len(outcome.violations)} violations"
        )

    async def _people(self, deployment: Deployment) -> list[Person]:
        """Everybody with a token, and a stocked catalogue; before any fault."""
        database = Database(deployment.database_url, pool_size=2, notify=lambda _: None)
        try:
            await _stock_up(database)
            names = [
                *((f"cart{n}", Role.SERVICE, None) for n in range(self._trial.crowd)),
                *((name, Role.CUSTOMER, name) for name in OWN_CUSTOMERS),
                *((f"courier{n}", Role.COURIER, None) for n in range(2 * self._trial.crowd)),
                ("manager", Role.MANAGER, None),
                ("support", Role.SUPPORT, None),
            ]  # fmt: skip
            return [await self._person(database, deployment, *each) for each in names]
        finally:
            await database.close()

    async def _person(
        self, database: Database, deployment: Deployment, name: str, role: Role, reference: str | None
    ) -> Person:
        async with database.transaction() as tx:
            token = await issue_token(tx, role=role, name=name, customer_reference=reference, days=None)
        url = f"http://{HOST}:{deployment.to_web.port}"
        caller = Caller(name, url, token, self._ledger, random.Random(f"{self._trial.seed} {name}"))
        match role:
            case Role.COURIER:
                return Courier(caller)
            case Role.MANAGER:
                return Manager(caller)
            case Role.SUPPORT:
                return Support(caller)
            case _:
                return Buyer(caller, is_cart=role == Role.SERVICE)


async def _restart_ended(deployment: Deployment) -> None:
    while True:
        deployment.restart_ended()
        await asyncio.sleep(0.5)


async def _stock_up(database: Database) -> None:
    by = Viewer("manager", Role.MANAGER)
    async with database.transaction() as tx:
        await catalog.upsert_warehouses(tx, by, [Warehouse(code, code) for code in WAREHOUSES])
        await catalog.upsert_products(tx, by, [Product(sku, sku, price, "USD") for sku, price in PRICES.items()])
        plenty = [StockCount(sku, WAREHOUSES[n % 3], PLENTY) for n, sku in enumerate(SKUS)]
        await inventory.set_stock(tx, by, plenty + [StockCount(sku, code, 2) for sku in SCARCE for code in WAREHOUSES])
