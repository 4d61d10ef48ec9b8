"""The kinds of faults. Their order is drawn from the seed before a trial starts, so that it can be repeated."""

import asyncio
import os
import random
import signal
import subprocess
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
from redis.asyncio import Redis

from tests.system.faults.deployment import LEASE_S, PROVIDER_TIMEOUT_S, Deployment, Program
from tests.system.faults.link import Link, Moment


@dataclass(frozen=True, slots=True)
class Fault:
    """Starts after `pause_s`, lasts about `lasts_s` if it has a duration; `number` selects the process."""

    kind: str
    pause_s: float
    lasts_s: float
    number: int

    def __str__(self) -> str:
        return f"{self.kind} ({self.lasts_s:.1f} s, {self.number})"


Inject = Callable[[Deployment, Fault], Awaitable[None]]


async def kill_web(deployment: Deployment, fault: Fault) -> None:
    await _kill(deployment.webs[fault.number % len(deployment.webs)], fault)


async def kill_worker(deployment: Deployment, fault: Fault) -> None:
    await _kill(deployment.workers[fault.number % len(deployment.workers)], fault)


async def kill_sandbox(deployment: Deployment, fault: Fault) -> None:
    await _kill(deployment.sandbox, fault)


async def kill_web_and_workers(deployment: Deployment, fault: Fault) -> None:
    """All of them at once."""
    for program in (*deployment.webs, *deployment.workers):
        program.kill()
    await asyncio.sleep(fault.lasts_s)
    for program in (*deployment.webs, *deployment.workers):
        program.start()


async def _kill(program: Program, fault: Fault) -> None:
    program.kill()
    await asyncio.sleep(fault.lasts_s)
    program.start()


async def kill_backend(deployment: Deployment, fault: Fault) -> None:
    """PostgreSQL then ends all its connections and recovers, as after a crash."""
    if backend := await deployment.in_thread(deployment.backend):
        with suppress(psutil.NoSuchProcess):
            backend.kill()


async def restart_postgres(deployment: Deployment, fault: Fault) -> None:
    """Like `pg_ctl stop -m immediate`: no checkpoint, connections closed without notice, recovery at the start."""
    await deployment.in_thread(lambda: _stop(deployment.engine("postgres").process, signal.SIGQUIT))
    await asyncio.sleep(fault.lasts_s)
    await deployment.in_thread(deployment.engine("postgres").start)


def _stop(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    process.send_signal(number)
    process.wait(30)


async def cut_commits(deployment: Deployment, fault: Fault) -> None:
    await _cut_requests(deployment.to_database, fault, count=6)


async def cut_clients(deployment: Deployment, fault: Fault) -> None:
    await _cut_requests(deployment.to_web, fault, count=30)


async def lose_provider_answers(deployment: Deployment, fault: Fault) -> None:
    """A charge, for instance, was executed or never arrived; its caller can't tell which."""
    await _cut_requests(deployment.to_providers, fault, count=60)


async def _cut_requests(link: Link, fault: Fault, *, count: int) -> None:
    chance = random.Random(fault.number)
    link.cut_next(chance.choices(tuple(Moment), k=count))
    for _ in range(40):
        await asyncio.sleep(0.25)
        if not link.cuts_left:
            return
    link.cancel_cuts()


async def cut_database(deployment: Deployment, fault: Fault) -> None:
    deployment.to_database.cut()


async def make_database_unreachable(deployment: Deployment, fault: Fault) -> None:
    """Nothing is forwarded and no side notified. In the end new connections work; old ones stay dead."""
    deployment.to_database.hold()
    await asyncio.sleep(fault.lasts_s)
    deployment.to_database.abandon()


async def slow_database(deployment: Deployment, fault: Fault) -> None:
    await _slow(deployment.to_database, 0.02, fault)


async def slow_providers(deployment: Deployment, fault: Fault) -> None:
    """Half of the answers come too late for an attempt, some for the whole call."""
    await _slow(deployment.to_providers, PROVIDER_TIMEOUT_S / 5, fault)


async def _slow(link: Link, delay_s: float, fault: Fault) -> None:
    link.delay_s = delay_s
    await asyncio.sleep(fault.lasts_s)
    link.delay_s = 0.0


async def make_providers_unreachable(deployment: Deployment, fault: Fault) -> None:
    deployment.to_providers.close()
    await asyncio.sleep(fault.lasts_s)
    await deployment.to_providers.open()


async def flush_valkey(deployment: Deployment, fault: Fault) -> None:
    async with Redis.from_url(deployment.redis_url) as redis:
        await redis.flushall()


async def restart_valkey(deployment: Deployment, fault: Fault) -> None:
    """Killed, and restarted empty after a while."""
    await deployment.in_thread(lambda: _stop(deployment.engine("valkey").process, signal.SIGKILL))
    await asyncio.sleep(fault.lasts_s)
    await deployment.in_thread(deployment.engine("valkey").start)


async def freeze_valkey(deployment: Deployment, fault: Fault) -> None:
    """It accepts connections and answers nothing."""
    await _freeze(deployment.engine("valkey").process.pid, fault.lasts_s)


async def freeze_worker(deployment: Deployment, fault: Fault) -> None:
    """Past its lease, at any point of its work; then it continues."""
    await _freeze(deployment.workers[fault.number % len(deployment.workers)].pid, LEASE_S + fault.lasts_s)


async def freeze_web(deployment: Deployment, fault: Fault) -> None:
    """The load balancer does not notice."""
    await _freeze(deployment.webs[fault.number % len(deployment.webs)].pid, fault.lasts_s)


async def _freeze(pid: int, lasts_s: float) -> None:
    os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(lasts_s)
    os.kill(pid, signal.SIGCONT)


async def fill_disk(deployment: Deployment, fault: Fault) -> None:
    """PostgreSQL refuses writes, or ends if its log finds no room; then space is freed and it is restarted."""
    filler = deployment.data_dir / "filler"
    await deployment.in_thread(lambda: _fill(filler))
    await asyncio.sleep(fault.lasts_s)
    filler.unlink()
    postgres = deployment.engine("postgres")
    if postgres.process.poll() is not None:
        await deployment.in_thread(postgres.start)


def _fill(filler: Path) -> None:
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 16))


async def deploy(deployment: Deployment, fault: Fault) -> None:
    """Each new process first runs beside the old one, which then finishes its work and ends."""
    for number, old in enumerate(deployment.webs):
        new = deployment.new_web()
        await new.until_ready()
        deployment.webs[number] = new
        await old.end()
    for number, old_worker in enumerate(deployment.workers):
        deployment.workers[number] = deployment.new_worker()
        await asyncio.sleep(1.0)
        await old_worker.end()


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of fault is injected, and its shortest and longest duration.

    `scales`: the durations are realistic, and multiplied by the trial's scale.
    """

    inject: Inject
    min_s: float = 0.0
    max_s: float = 0.0
    scales: bool = False


DEPLOY: Final = "deploy"
DISK_FULL: Final = "disk full"
"""Needs a small disk of its own."""

KINDS: Final[Mapping[str, Kind]] = {
    "web process killed": Kind(kill_web, 0, 2),
    "worker killed": Kind(kill_worker, 0, 2),
    "providers killed": Kind(kill_sandbox, 0, 2),
    "all web and worker processes killed": Kind(kill_web_and_workers, 0, 2),
    "PostgreSQL backend killed": Kind(kill_backend),
    "PostgreSQL restarted": Kind(restart_postgres, 0, 3),
    "cut during COMMIT": Kind(cut_commits),
    "all database connections cut": Kind(cut_database),
    "database unreachable": Kind(make_database_unreachable, 1, 5),
    "PostgreSQL slow": Kind(slow_database, 2, 5),
    "clients cut": Kind(cut_clients),
    "Valkey flushed": Kind(flush_valkey),
    "Valkey killed": Kind(restart_valkey, 20, 60, scales=True),
    "Valkey frozen": Kind(freeze_valkey, 2, 6),
    "worker frozen past its lease": Kind(freeze_worker, 1, 4),
    "web process frozen": Kind(freeze_web, 1, 5),
    "providers unreachable": Kind(make_providers_unreachable, 60, 180, scales=True),
    "providers slow": Kind(slow_providers, 3, 8),
    "providers' answers lost": Kind(lose_provider_answers),
    DISK_FULL: Kind(fill_disk, 2, 5),
    DEPLOY: Kind(deploy),
}


def schedule(seed: int, *, count: int, scale: float, kinds: Sequence[str]) -> list[Fault]:
    """`count` faults in an order drawn from the seed; no kind comes again before all others have come."""
    chance = random.Random(seed)
    chosen: list[str] = []
    while len(chosen) < count:
        chosen += chance.sample(list(kinds), min(len(kinds), count - len(chosen)))
    return [_drawn(chance, kind, scale) for kind in chosen]


def _drawn(chance: random.Random, name: str, scale: float) -> Fault:
    kind = KINDS[name]
    lasts_s = chance.uniform(kind.min_s, kind.max_s) * (scale if kind.scales else 1.0)
    return Fault(name, chance.uniform(0.3, 1.5), lasts_s, chance.randrange(1 << 30))
