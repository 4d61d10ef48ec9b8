"""One history: what a seed makes happen step by step, and whether every rule held."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

import asyncpg

from oms.domain.allocation.rules import HoldLimit
from oms.domain.batched_commands import BatchedCommands
from oms.domain.catalog import commands as catalog
from oms.domain.catalog.model import Product, Warehouse
from oms.domain.concepts import REGISTRY
from oms.domain.fraud import commands as fraud
from oms.domain.inventory import commands as inventory
from oms.domain.inventory.commands import StockCount
from oms.jobs.consumer import Consumer
from oms.jobs.context import JobContext
from oms.platform.db import Changes
from oms.web.live.hub import REREAD_EVERY_S
from tests.shop import GROWING, MANAGER
from tests.system.simulation.clock import Clock, VirtualLoop
from tests.system.simulation.database import SteppedDatabase
from tests.system.simulation.patches import logs_reported, seeded
from tests.system.simulation.people import KEPT_UNITS, LIMITS, PARKED, RESTOCK, SKUS, WAREHOUSES, Command, People
from tests.system.simulation.profile import Profile
from tests.system.simulation.providers import Reliability, SimulatedProviders
from tests.system.simulation.recording_hub import RecordingHub
from tests.system.simulation.rules import Observation, all_broken, broken, observe
from tests.system.simulation.scheduler import Pause, Process, Scheduler

LEASE: Final = timedelta(seconds=30)
MAX_REQUESTS: Final = 4
"""Web processes with a request in progress."""

MAX_STEPS: Final = 4_000
"""Of the whole history. Everything must have ended by then."""

QUEUES: Final = tuple(REGISTRY.work_kinds)

EMPTY: Final = f"""
    TRUNCATE {GROWING};
    UPDATE fraud_settings SET limits = '{{}}', maintenance = false, period = 1, last_seq = 0, updated_at = 'epoch';
"""
UNFINISHED: Final = """
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
WITH_COURIER: Final = """
    SELECT order_id, number, status FROM shipments WHERE status IN ('BOOKED', 'DISPATCHED') ORDER BY order_id, number
"""


@dataclass(eq=False)
class Worker:
    """A worker process: the product's consumer, woken by its own commits and by notifications that may get lost."""

    process: Process
    consumer: Consumer

    def wake(self, queue: str) -> None:
        self.process.context.run(self.consumer.wake, queue)


@dataclass(eq=False)
class Web:
    """A web process, which batches commands that arrive at the same time."""

    process: Process
    batched: BatchedCommands


@dataclass(frozen=True, slots=True)
class Outcome:
    """`lines` say what happened, `violations` what went wrong.

    `steps`: choices made; `taken`: the numbers of those before the faults ended. `turns`: how often an activity was
    resumed, up to its next transaction, commit, statement or answer.
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
    """Runs one. Everything random follows from the seed, each step's choice from the seed and the step's number."""

    loop: VirtualLoop
    db: SteppedDatabase
    monitor: "asyncpg.Connection[asyncpg.Record]"
    seed: int
    overrides: Mapping[str, Any]
    lines: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    steps: int = 0
    turns: int = 0

    async def run(self, steps: Iterable[int]) -> Outcome:
        """Takes the steps with these numbers, ends all faults, and lets everything finish."""
        steps = tuple(steps)
        await self._set_up()
        with seeded(self._chance("product")), logs_reported(self.violations.append):
            for number in steps:
                await self._step(number)
                if self.violations:
                    break
            else:
                await self._finish()
            await self._stop_processes()
        return Outcome(
            self.seed, tuple(self.lines), tuple(dict.fromkeys(self.violations)), self.steps, self.turns, steps
        )

    def _chance(self, purpose: object) -> random.Random:
        return random.Random(f"{self.seed} {purpose}")

    async def _set_up(self) -> None:
        await self.monitor.execute(EMPTY)
        self.clock = Clock(self.loop, self.monitor)
        await self.clock.advance(0)
        self.scheduler = Scheduler(self.loop, self.monitor)
        self.profile = profile = replace(Profile.of(self._chance("profile")), **self.overrides)
        self.providers = SimulatedProviders(
            self.scheduler, self._chance("providers"), profile.sandbox, self.violations.append
        )
        self.db.scheduler, self.db.chance = self.scheduler, self._chance("database")
        self.db.slow_share = self.db.late_commit_share = 0.0
        self.db.notifications.clear()
        self.context = JobContext(
            self.db, self.providers, self.providers, profile.answer_within, LEASE, profile.batch, profile.attempts,
            HoldLimit(KEPT_UNITS, of_services=True),
        )  # fmt: skip
        self.people = People(self.db, self.monitor, self.violations.append, profile.customers)
        self.hub = RecordingHub(self.db, self.violations.append)
        self.requests: list[Process] = []
        self.web = Web(Process("web"), BatchedCommands.over(self.db, LIMITS))
        self.wake_ups: list[str] = []
        self.started = 0
        self.observation: Observation = await observe(self.monitor)
        opening = Process("opening")
        opened = self.scheduler.start(opening, self._open_shop())
        await self._run_alone(opening)
        await opened
        self.observation = await observe(self.monitor)
        self.live = Process("live")
        self.scheduler.start(self.live, self.hub.subscribe())
        await self._run_alone(self.live)
        self.scheduler.start(self.live, self.hub.follow())
        self.notification_chance = self._chance("notifications")
        self.workers = [self._new_worker() for _ in range(profile.workers)]
        self.db.slow_share, self.db.late_commit_share = profile.slow_share, profile.late_commit_share
        self.providers.reliability = Reliability(profile.shares)

    async def _open_shop(self) -> None:
        chance = self._chance("stock")
        async with self.db.transaction() as tx:
            await catalog.upsert_warehouses(tx, MANAGER, [Warehouse(code, code) for code in WAREHOUSES])
            await catalog.upsert_products(
                tx, MANAGER, [Product(sku, sku, 1000, currency) for sku, currency in SKUS.items()]
            )
            counts = [
                StockCount(sku, code, chance.randrange(self.profile.units + 1)) for sku in SKUS for code in WAREHOUSES
            ]
            await inventory.set_stock(tx, MANAGER, counts)
            await fraud.set_spending_limit(tx, MANAGER, self.profile.limit_minor, "USD")
            await fraud.set_spending_limit(tx, MANAGER, self.profile.limit_minor // 2, "EUR")

    def _new_worker(self) -> Worker:
        self.started += 1
        process = Process(f"worker-{self.started}")
        return Worker(process, process.context.run(Consumer, self.context, QUEUES))

    async def _advance(self, seconds: float) -> None:
        """Lets time pass, and everything happen that waited for it."""
        await self.clock.advance(seconds)
        await self.scheduler.settle()

    async def _run_alone(self, process: Process) -> None:
        """Resumes one process until it no longer pauses."""
        await self.scheduler.settle()
        while pauses := [pause for pause in self.scheduler.pauses() if pause.activity.process is process]:
            self.scheduler.resume(pauses[0])
            await self.scheduler.settle()

    async def _step(self, number: int) -> None:
        chance = self._chance(number)
        self.steps += 1
        await self._advance(chance.expovariate(40))
        text = await self._choose(chance)
        self.lines.append(f"{number:5} {self.clock.passed_s:12.6f} {text}")
        await self._check()

    async def _choose(self, chance: random.Random) -> str:
        """Makes one choice and describes it."""
        drawn = chance.random()
        if drawn < self.profile.fault_share:
            return await self._fault(chance)
        pauses = self.scheduler.pauses()
        if pauses and drawn < 0.80:
            return await self._continue(chance, chance.choice(pauses))
        if (
            drawn < 0.91
            and len(self.requests) < MAX_REQUESTS
            and (command := await self.people.next_command(chance, self.profile.habits))
        ):
            return await self._request(command)
        if drawn < 0.97 or not pauses:
            return await self._wake(chance)
        return await self._continue(chance, chance.choice(pauses))

    async def _continue(self, chance: random.Random, pause: Pause) -> str:
        """A process continues to its next pause, or past some of them."""
        text = await self._resume(pause)
        while chance.random() < self.profile.continue_share:
            await self._check()
            after = [other for other in self.scheduler.pauses() if other.activity.process is pause.activity.process]
            if not after or self.violations:
                break
            pause = chance.choice(after)
            await self._advance(0.001)
            text += f"\n{'':18} and {await self._resume(pause)}"
        return text

    async def _resume(self, pause: Pause) -> str:
        self.turns += 1
        self.scheduler.resume(pause)
        await self.scheduler.settle()
        return str(pause)

    async def _request(self, command: Command) -> str:
        process = self._web() if isinstance(command.act, tuple) else self._process(f"web {command.name}")
        if process not in self.requests:
            self.requests.append(process)
        self.scheduler.start(process, self._send(process, command))
        await self.scheduler.settle()
        return f"{process.name}: {command.name} as {command.viewer.name}{' with a key' if command.key else ''}"

    async def _send(self, process: Process, command: Command) -> None:
        outcome = await self.people.send(command, self.web.batched)
        self.lines.append(f"{'':18} {process.name}: {command.name}: {outcome}")

    def _process(self, name: str) -> Process:
        self.started += 1
        return Process(f"{name} {self.started}")

    def _web(self) -> Process:
        """The process that batches commands; a new one if it died."""
        if self.web.process.is_dead:
            self.web = Web(self._process("web"), BatchedCommands.over(self.db, LIMITS))
        return self.web.process

    async def _wake(self, chance: random.Random) -> str:
        """By a notification, which may come twice or out of order, or by the worker's own timer."""
        worker = chance.choice(self.workers)
        if self.wake_ups and chance.random() < 0.7:
            index = chance.randrange(len(self.wake_ups))
            queue = self.wake_ups[index] if chance.random() < 0.2 else self.wake_ups.pop(index)
        elif due := await self.monitor.fetch(DUE):
            queue = chance.choice(due)["queue"]
        elif next_at := await self.monitor.fetchval(NEXT_AT):
            seconds = max(0.0, (next_at - self.clock.now).total_seconds()) * chance.choice((0.5, 0.99, 1.0, 1.0))
            await self._advance(min(seconds, 60.0) + 0.000001)
            return f"nothing is due until {self.clock.now:%H:%M:%S.%f}"
        else:
            queue = chance.choice(QUEUES)
        worker.wake(queue)
        await self.scheduler.settle()
        return f"{worker.process.name} is woken for {queue}"

    async def _fault(self, chance: random.Random) -> str:
        faults = (
            self._crash_worker, self._freeze_worker, self._kill_web, self._let_time_pass, self._empty_redis,
            self._toggle_providers, self._deliver_late,
        )  # fmt: skip
        [fault] = chance.choices(faults, self.profile.faults)
        return await fault(chance)

    async def _crash_worker(self, chance: random.Random) -> str:
        worker = chance.choice(self.workers)
        if worker.process.queries:
            return f"nothing: {worker.process.name} waits for a lock"
        await self.scheduler.crash(worker.process)
        self.workers[self.workers.index(worker)] = self._new_worker()
        return f"{worker.process.name} crashes, worker-{self.started} replaces it"

    async def _freeze_worker(self, chance: random.Random) -> str:
        process = chance.choice(self.workers).process
        seconds = chance.choice((0.4, 5.0, 45.0))
        process.frozen_until_s = self.loop.time() + seconds
        return f"{process.name} freezes for {seconds} s"

    async def _kill_web(self, chance: random.Random) -> str:
        able = [process for process in self.requests if not process.queries]
        if not able:
            return "nothing: no web process can be killed"
        process = chance.choice(able)
        await self.scheduler.crash(process)
        return f"{process.name}: its process dies, no request is answered"

    async def _let_time_pass(self, chance: random.Random) -> str:
        seconds = chance.choice((0.3, 0.6, 5.0, 31.0, 600.0))
        await self._advance(seconds)
        return f"{seconds} s pass"

    async def _empty_redis(self, _: random.Random) -> str:
        self.wake_ups.clear()
        return "Redis loses everything"

    async def _toggle_providers(self, _: random.Random) -> str:
        self.providers.reliability.is_down = not self.providers.reliability.is_down
        return f"the providers are {'down' if self.providers.reliability.is_down else 'up'}"

    async def _deliver_late(self, chance: random.Random) -> str:
        if not self.providers.late:
            return "nothing: no request is late"
        return f"late: {self.providers.deliver_late(chance.randrange(len(self.providers.late)))}"

    async def _check(self) -> None:
        """Delivers notifications, and checks the rules after a commit."""
        self.requests = [process for process in self.requests if not process.is_done]
        self._deliver_notifications()
        committed, self.scheduler.committed = self.scheduler.committed, []
        if committed:
            before, self.observation = self.observation, await observe(self.monitor)
            restocked = any(each.process.name.startswith(f"web {RESTOCK}") for each in committed)
            self.violations.extend(broken(before, self.observation, restocked=restocked))

    def _deliver_notifications(self) -> None:
        """A worker wakes itself, as oms.jobs.worker does; the others are notified through Redis."""
        notifications, self.db.notifications = list(self.db.notifications), []
        workers = {worker.process: worker for worker in self.workers}
        for process, changes in notifications:
            self._notify(workers.get(process), changes)

    def _notify(self, worker: Worker | None, changes: Changes) -> None:
        if self.notification_chance.random() < 0.6:
            self.hub.notify(changes)
        for queue in sorted(changes.queues):
            if worker:
                worker.wake(queue)
            else:
                self.wake_ups.append(queue)

    async def _finish(self) -> None:
        """Rule 1: once faults stop, every order becomes final and no work is left."""
        self._end_faults()
        chance = self._chance("end")
        await self._run_until_idle(chance)
        for _ in range(200):
            if self.violations or self.steps > MAX_STEPS:
                break
            left = await self.monitor.fetchrow(UNFINISHED)
            assert left is not None
            if not left["orders"] and not left["work"]:
                break
            for command in await self._commands_left():
                await self._request(command)
                await self._run_until_idle(chance)
            if left["due_at"] and left["due_at"] > self.clock.now:
                await self._advance((left["due_at"] - self.clock.now).total_seconds() + 0.001)
            for queue in QUEUES:
                self.workers[0].wake(queue)
            await self._run_until_idle(chance)
        await self._check_end()

    def _end_faults(self) -> None:
        self.providers.reliability = Reliability()
        self.db.slow_share = self.db.late_commit_share = 0.0
        for worker in self.workers:
            worker.process.frozen_until_s = 0.0
        self.lines.append(f"{'':18} the faults end")

    async def _commands_left(self) -> list[Command]:
        """What people still have to do: end maintenance, deliver shipments, retry parked work."""
        commands = [self.people.end_maintenance()] if self.observation.row["maintenance"] else []
        for order_id, number, status in await self.monitor.fetch(WITH_COURIER):
            name, event = ("dispatch", "ShipmentDispatched") if status == "BOOKED" else ("deliver", "ShipmentDelivered")
            commands.append(self.people.moving((order_id, number), name, event))
        return commands + [self.people.retrying(row) for row in await self.monitor.fetch(PARKED)]

    async def _run_until_idle(self, chance: random.Random) -> None:
        """Until no activity is paused."""
        await self.scheduler.settle()
        while not self.violations and self.steps <= MAX_STEPS:
            if self.providers.late:
                self.lines.append(f"{'':18} late: {self.providers.deliver_late(0)}")
            pauses = self.scheduler.pauses()
            if pauses:
                self.steps += 1
                await self._advance(0.001)
                text = await self._resume(chance.choice(pauses))
                self.lines.append(f"  end {self.clock.passed_s:12.6f} {text}")
            await self._check()
            await self.scheduler.settle()
            if not pauses and not self.scheduler.pauses():
                return

    async def _check_end(self) -> None:
        left = await self.monitor.fetchrow(UNFINISHED)
        assert left is not None
        if not self.violations and (left["orders"] or left["work"]):
            stuck = "; ".join(str(tuple(row)) for row in await self.monitor.fetch(STUCK))
            self.violations.append(f"Rule 1: {left['orders']} orders and {left['work']} items do not end: {stuck}")
        await self._advance(2 * REREAD_EVERY_S)
        await self._run_until_idle(self._chance("last look"))
        self.violations.extend(await self.hub.undelivered(self.monitor))
        self.violations.extend(await self.people.broken_promises())
        self.violations.extend(await all_broken(self.monitor, self.providers.effects))

    async def _stop_processes(self) -> None:
        """Nothing of this history may reach into the next one."""
        for process in (*(worker.process for worker in self.workers), *self.requests, self.live):
            await self.scheduler.crash(process)
        await self.scheduler.settle()
