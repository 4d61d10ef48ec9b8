"""One history: a seed, what it makes happen step by step, and whether every rule held."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

import asyncpg

from oms.domain.batched_commands import BatchedCommands
from oms.domain.catalog import commands as catalog
from oms.domain.catalog.model import Product, Warehouse
from oms.domain.concepts import REGISTRY
from oms.domain.fraud import commands as fraud
from oms.domain.inventory import commands as stock
from oms.domain.inventory.commands import StockCount
from oms.jobs.consumer import Consumer
from oms.jobs.context import JobContext
from oms.platform.db import Changes
from oms.web.live.hub import REREAD_EVERY_S
from tests.shop import GROWING, MANAGER
from tests.system.simulation.audience import Audience
from tests.system.simulation.clock import Clock, VirtualLoop
from tests.system.simulation.database import SteppedDatabase
from tests.system.simulation.outside import Outside, Weather
from tests.system.simulation.people import RESTOCK, SKUS, WAREHOUSES, Command, People
from tests.system.simulation.product import listening, seeded
from tests.system.simulation.rules import Sight, all_broken, broken, look
from tests.system.simulation.stage import Process, Stage, Turn
from tests.system.simulation.temper import Temper

LEASE: Final = timedelta(seconds=30)
MOST_ASKING: Final = 4
PATIENCE_STEPS: Final = 4_000
"""Steps after the faults have stopped, within which everything must have ended."""

EMPTY: Final = f"""
    TRUNCATE {GROWING};
    UPDATE fraud_settings SET limit_minor = 0, maintenance = false, period = 1, last_seq = 0, updated_at = 'epoch';
"""
LEFT: Final = """
    SELECT (SELECT count(*) FROM orders WHERE closed_at IS NULL) AS orders, (SELECT count(*) FROM work) AS work,
           (SELECT min(greatest(due_at, coalesce(leased_until, due_at))) FROM work WHERE parked_at IS NULL) AS due_at
"""
FREE: Final = "parked_at IS NULL AND NOT held"
DUE: Final = f"""
    SELECT DISTINCT queue FROM work
    WHERE {FREE} AND due_at <= clock_timestamp() AND coalesce(leased_until, 'epoch') < clock_timestamp() ORDER BY 1
"""
NEXT_AT: Final = f"SELECT min(greatest(due_at, coalesce(leased_until, due_at))) FROM work WHERE {FREE}"
STUCK: Final = """
    SELECT o.reference, o.status, s.number, s.status AS shipment, s.payment_status, w.queue, w.step, w.attempt,
           w.due_at, w.leased_until, w.held, w.parked_at
    FROM orders o LEFT JOIN shipments s ON s.order_id = o.id
    LEFT JOIN work w ON w.subject_id = o.id AND (w.part = s.number OR w.part = 0)
    WHERE o.closed_at IS NULL OR w.subject_id IS NOT NULL ORDER BY o.reference, s.number LIMIT 5
"""
TO_CARRY: Final = """
    SELECT order_id, number, status FROM shipments WHERE status IN ('BOOKED', 'DISPATCHED') ORDER BY order_id, number
"""
TO_MEND: Final = "SELECT subject_id, part, queue FROM work WHERE parked_at IS NOT NULL ORDER BY 1, 2, 3"


@dataclass(eq=False)
class Worker:
    """A worker process: the product's drains, woken by its own commits and by doorbells that may never come."""

    process: Process
    drains: Consumer

    def wake(self, queue: str) -> None:
        self.process.context.run(self.drains.wake, queue)


@dataclass(eq=False)
class Web:
    """A web process: commands that come at the same time go through its rounds."""

    process: Process
    rounds: BatchedCommands


@dataclass(frozen=True, slots=True)
class Outcome:
    """`lines` tell the history, `violations` what went wrong.

    `steps` are choices made, `taken` the numbers of those before the faults ended.
    `turns`: how often somebody was let on, to the next transaction, commit, statement or answer.
    """

    seed: int
    lines: tuple[str, ...]
    violations: tuple[str, ...]
    steps: int
    turns: int
    taken: tuple[int, ...]

    @property
    def text(self) -> str:
        return "\n".join((*self.lines, *self.violations)) + "\n"


@dataclass
class History:
    """Runs one; everything random in it follows from the seed, each step's choice from seed and step alone."""

    loop: VirtualLoop
    db: SteppedDatabase
    monitor: "asyncpg.Connection[asyncpg.Record]"
    seed: int
    settled: Mapping[str, Any]
    lines: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    steps: int = 0
    turns: int = 0

    async def run(self, steps: Iterable[int]) -> Outcome:
        """Takes the steps of these numbers, ends all faults, and lets everything come to its end."""
        steps = tuple(steps)
        await self._set_up()
        with seeded(self._chance("product")), listening(self.violations.append):
            for number in steps:
                await self._step(number)
                if self.violations:
                    break
            else:
                await self._come_to_an_end()
            await self._break_off()
        return Outcome(
            self.seed, tuple(self.lines), tuple(dict.fromkeys(self.violations)), self.steps, self.turns, steps
        )

    def _chance(self, purpose: object) -> random.Random:
        return random.Random(f"{self.seed} {purpose}")

    async def _set_up(self) -> None:
        await self.monitor.execute(EMPTY)
        self.clock = Clock(self.loop, self.monitor)
        await self.clock.advance(0)
        self.stage = Stage(self.loop, self.clock, self.monitor)
        self.temper = temper = replace(Temper.of(self._chance("temper")), **self.settled)
        self.outside = Outside(self.stage, self._chance("outside"), temper.sandbox, self.violations.append)
        self.db.stage, self.db.chance = self.stage, self._chance("database")
        self.db.slow_share = self.db.held_share = 0.0
        self.db.rings.clear()
        self.shop = JobContext(
            self.db, self.outside, self.outside, temper.answer_within, LEASE, temper.batch, temper.attempts
        )
        self.people = People(self.db, self.monitor, self.violations.append, temper.customers)
        self.audience = Audience(self.db, self.violations.append)
        self.asking: list[Process] = []
        self.web = Web(Process("web"), BatchedCommands.over(self.db))
        self.doorbells: list[str] = []
        self.hired = 0
        self.sight: Sight = await look(self.monitor)
        opening = Process("opening")
        opened = self.stage.start(opening, self._open_shop())
        await self._run_alone(opening)
        await opened
        self.sight = await look(self.monitor)
        self.live = Process("live")
        self.stage.start(self.live, self.audience.watch())
        await self._run_alone(self.live)
        self.stage.start(self.live, self.audience.follow())
        self.doorbell_chance = self._chance("doorbells")
        self.workers = [self._hire() for _ in range(temper.workers)]
        self.db.slow_share, self.db.held_share = temper.slow_share, temper.held_share
        self.outside.weather = Weather(temper.shares)

    async def _open_shop(self) -> None:
        chance = self._chance("stock")
        async with self.db.transaction() as tx:
            await catalog.upsert_warehouses(tx, MANAGER, [Warehouse(code, code) for code in WAREHOUSES])
            await catalog.upsert_products(tx, MANAGER, [Product(sku, sku, 1000, "USD") for sku in SKUS])
            counts = [
                StockCount(sku, code, chance.randrange(self.temper.units + 1)) for sku in SKUS for code in WAREHOUSES
            ]
            await stock.set_stock(tx, MANAGER, counts)
            await fraud.set_spending_limit(tx, MANAGER, self.temper.limit_minor)

    def _hire(self) -> Worker:
        self.hired += 1
        process = Process(f"worker-{self.hired}")
        return Worker(process, process.context.run(Consumer, self.shop, tuple(REGISTRY.work_kinds)))

    async def _run_alone(self, process: Process) -> None:
        """Lets one process go on for as long as it wants a turn."""
        await self.stage.settle()
        while turns := [turn for turn in self.stage.turns() if turn.act.process is process]:
            self.stage.let_on(turns[0])
            await self.stage.settle()

    async def _step(self, number: int) -> None:
        chance = self._chance(number)
        self.steps += 1
        await self.clock.advance(chance.expovariate(40))
        told = await self._act(chance)
        self.lines.append(f"{number:5} {self.clock.passed_s:12.6f} {told}")
        await self._look()

    async def _act(self, chance: random.Random) -> str:
        """One choice; says what it was."""
        drawn = chance.random()
        if drawn < self.temper.fault_share:
            return await self._fault(chance)
        turns = self.stage.turns()
        if turns and drawn < 0.80:
            return await self._run_on(chance, chance.choice(turns))
        if (
            drawn < 0.91
            and len(self.asking) < MOST_ASKING
            and (command := await self.people.think(chance, self.temper.habits))
        ):
            return await self._ask(command)
        if drawn < 0.97 or not turns:
            return await self._wake(chance)
        return await self._run_on(chance, chance.choice(turns))

    async def _run_on(self, chance: random.Random, turn: Turn) -> str:
        """A process goes on to its next stop, or over some of them."""
        told = await self._let_on(turn)
        while chance.random() < self.temper.run_on_share:
            await self._look()
            after = [other for other in self.stage.turns() if other.act.process is turn.act.process]
            if not after or self.violations:
                break
            turn = chance.choice(after)
            await self.clock.advance(0.001)
            told += f"\n{'':18} and {await self._let_on(turn)}"
        return told

    async def _let_on(self, turn: Turn) -> str:
        self.turns += 1
        self.stage.let_on(turn)
        await self.stage.settle()
        return str(turn)

    async def _ask(self, command: Command) -> str:
        process = self._web() if isinstance(command.act, tuple) else self._process(f"web {command.name}")
        if process not in self.asking:
            self.asking.append(process)
        self.stage.start(process, self._told(process, command))
        await self.stage.settle()
        return f"{process.name}: {command.name} as {command.viewer.name}{' with a key' if command.key else ''}"

    async def _told(self, process: Process, command: Command) -> None:
        answer = await self.people.send(command, self.web.rounds)
        self.lines.append(f"{'':18} {process.name}: {command.name} is answered {answer}")

    def _process(self, name: str) -> Process:
        self.hired += 1
        return Process(f"{name} {self.hired}")

    def _web(self) -> Process:
        """The one that takes what goes through rounds; in place of one that has died comes another."""
        if self.web.process.is_dead:
            self.web = Web(self._process("web"), BatchedCommands.over(self.db))
        return self.web.process

    async def _wake(self, chance: random.Random) -> str:
        """By a notifier, which may also come twice or out of turn, or by the worker's own timer."""
        worker = chance.choice(self.workers)
        if self.doorbells and chance.random() < 0.7:
            index = chance.randrange(len(self.doorbells))
            queue = self.doorbells[index] if chance.random() < 0.2 else self.doorbells.pop(index)
        elif due := await self.monitor.fetch(DUE):
            queue = chance.choice(due)["queue"]
        elif next_at := await self.monitor.fetchval(NEXT_AT):
            seconds = max(0.0, (next_at - self.clock.now).total_seconds()) * chance.choice((0.5, 0.99, 1.0, 1.0))
            await self.clock.advance(min(seconds, 60.0) + 0.000001)
            await self.stage.settle()
            return f"until {self.clock.now:%H:%M:%S.%f} nothing is due"
        else:
            queue = chance.choice(list(REGISTRY.work_kinds))
        worker.wake(queue)
        await self.stage.settle()
        return f"{worker.process.name} is woken for {queue}"

    async def _fault(self, chance: random.Random) -> str:
        faults = (self._crash, self._freeze, self._cut, self._later, self._flush, self._weather, self._arrive)
        [fault] = chance.choices(faults, self.temper.faults)
        return await fault(chance)

    async def _crash(self, chance: random.Random) -> str:
        worker = chance.choice(self.workers)
        if worker.process.flights:
            return "nothing: whom a crash would hit waits for a lock"
        await self.stage.crash(worker.process)
        self.workers[self.workers.index(worker)] = self._hire()
        return f"{worker.process.name} crashes, worker-{self.hired} takes its place"

    async def _freeze(self, chance: random.Random) -> str:
        process = chance.choice(self.workers).process
        seconds = chance.choice((0.4, 5.0, 45.0))
        process.frozen_until_s = self.loop.time() + seconds
        return f"{process.name} freezes for {seconds} s"

    async def _cut(self, chance: random.Random) -> str:
        able = [process for process in self.asking if not process.flights]
        if not able:
            return "nothing: no connection that could be cut"
        process = chance.choice(able)
        await self.stage.crash(process)
        return f"{process.name}: its process dies, nobody is answered"

    async def _later(self, chance: random.Random) -> str:
        seconds = chance.choice((0.3, 0.6, 5.0, 31.0, 600.0))
        await self.clock.advance(seconds)
        await self.stage.settle()
        return f"{seconds} s pass"

    async def _flush(self, _: random.Random) -> str:
        self.doorbells.clear()
        return "Redis loses everything"

    async def _weather(self, _: random.Random) -> str:
        self.outside.weather.is_down = not self.outside.weather.is_down
        return f"the providers are {'down' if self.outside.weather.is_down else 'up'}"

    async def _arrive(self, chance: random.Random) -> str:
        if not self.outside.late:
            return "nothing: no request is late"
        return f"arrives late: {self.outside.arrive_late(chance.randrange(len(self.outside.late)))}"

    async def _look(self) -> None:
        self.asking = [process for process in self.asking if not process.is_done]
        self._hear()
        acts, self.stage.committed = self.stage.committed, []
        if any(act.name != "_claim" for act in acts):
            before, self.sight = self.sight, await look(self.monitor)
            restocked = any(act.process.name.startswith(f"web {RESTOCK}") for act in acts)
            self.violations.extend(broken(before, self.sight, restocked=restocked))

    def _hear(self) -> None:
        """A worker wakes itself, as oms.jobs.worker does; the others are told through Redis."""
        rings, self.db.rings = list(self.db.rings), []
        working = {worker.process: worker for worker in self.workers}
        for process, news in rings:
            self._notify(working.get(process), news)

    def _notify(self, worker: Worker | None, news: Changes) -> None:
        if self.doorbell_chance.random() < 0.6:
            self.audience.notify(news)
        for queue in sorted(news.queues):
            if worker:
                worker.wake(queue)
            else:
                self.doorbells.append(queue)

    async def _come_to_an_end(self) -> None:
        """Rule 1: once faults stop, every order becomes final and no work is left."""
        self._end_faults()
        chance = self._chance("end")
        await self._run_idle(chance)
        for _ in range(200):
            if self.violations or self.steps > PATIENCE_STEPS:
                break
            left = await self.monitor.fetchrow(LEFT)
            assert left is not None
            if not left["orders"] and not left["work"]:
                break
            for command in await self._whatever_moves():
                await self._ask(command)
                await self._run_idle(chance)
            if left["due_at"] and left["due_at"] > self.clock.now:
                await self.clock.advance((left["due_at"] - self.clock.now).total_seconds() + 0.001)
            for queue in REGISTRY.work_kinds:
                self.workers[0].wake(queue)
            await self._run_idle(chance)
        await self._judge()

    def _end_faults(self) -> None:
        self.outside.weather = Weather()
        self.db.slow_share = self.db.held_share = 0.0
        for worker in self.workers:
            worker.process.frozen_until_s = 0.0
        self.lines.append(f"{'':18} the faults end")

    async def _whatever_moves(self) -> list[Command]:
        """What people do in the end: maintenance ends, couriers go their ways, parked work is retried."""
        commands = [self.people.end_maintenance()] if self.sight.row["maintenance"] else []
        for order_id, number, status in await self.monitor.fetch(TO_CARRY):
            name, event = ("dispatch", "ShipmentDispatched") if status == "BOOKED" else ("deliver", "ShipmentDelivered")
            commands.append(self.people.carrying((order_id, number), name, event))
        return commands + [self.people.retrying(row) for row in await self.monitor.fetch(TO_MEND)]

    async def _run_idle(self, chance: random.Random) -> None:
        """Until nobody waits for a turn."""
        await self.stage.settle()
        while not self.violations and self.steps <= PATIENCE_STEPS:
            if self.outside.late:
                self.lines.append(f"{'':18} arrives late: {self.outside.arrive_late(0)}")
            turns = self.stage.turns()
            if turns:
                self.steps += 1
                await self.clock.advance(0.001)
                told = await self._let_on(chance.choice(turns))
                self.lines.append(f"  end {self.clock.passed_s:12.6f} {told}")
            await self._look()
            await self.stage.settle()
            if not turns and not self.stage.turns():
                return

    async def _judge(self) -> None:
        left = await self.monitor.fetchrow(LEFT)
        assert left is not None
        if not self.violations and (left["orders"] or left["work"]):
            stuck = "; ".join(str(tuple(row)) for row in await self.monitor.fetch(STUCK))
            self.violations.append(f"Rule 1: {left['orders']} orders and {left['work']} items do not end: {stuck}")
        await self.clock.advance(2 * REREAD_EVERY_S)
        await self._run_idle(self._chance("last look"))
        self.violations.extend(await self.audience.not_told(self.monitor))
        self.violations.extend(await self.people.broken_promises())
        self.violations.extend(await all_broken(self.monitor, self.outside.effects))

    async def _break_off(self) -> None:
        """Nothing of this history may reach into the next one."""
        for process in (*(worker.process for worker in self.workers), *self.asking, self.live):
            await self.stage.crash(process)
        await self.stage.settle()
