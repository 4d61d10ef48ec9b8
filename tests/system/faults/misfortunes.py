"""What goes wrong, and in which order: drawn from the seed before anything begins, so that it can be played again."""

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

from tests.system.faults.link import Link, Moment
from tests.system.faults.processes import LEASE_S, PROVIDER_TIMEOUT_S, Program, Shop

Strike = Callable[[Shop, "Misfortune"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Misfortune:
    """One fault, after `pause_s` of quiet. It lasts about `lasts_s` where it has a length; `number` chooses whom."""

    kind: str
    pause_s: float
    lasts_s: float
    number: int

    def __str__(self) -> str:
        return f"{self.kind} ({self.lasts_s:.1f} s, {self.number})"


async def kill_web(shop: Shop, fault: Misfortune) -> None:
    await _kill(shop.webs[fault.number % len(shop.webs)], fault)


async def kill_worker(shop: Shop, fault: Misfortune) -> None:
    await _kill(shop.workers[fault.number % len(shop.workers)], fault)


async def kill_sandbox(shop: Shop, fault: Misfortune) -> None:
    await _kill(shop.sandbox, fault)


async def kill_all_of_ours(shop: Shop, fault: Misfortune) -> None:
    """Every web and worker process at once."""
    for program in (*shop.webs, *shop.workers):
        program.kill()
    await asyncio.sleep(fault.lasts_s)
    for program in (*shop.webs, *shop.workers):
        program.start()


async def _kill(program: Program, fault: Misfortune) -> None:
    program.kill()
    await asyncio.sleep(fault.lasts_s)
    program.start()


async def kill_a_backend(shop: Shop, fault: Misfortune) -> None:
    """PostgreSQL then ends all its connections and recovers, as after a crash."""
    if backend := await shop.apart(shop.backend):
        with suppress(psutil.NoSuchProcess):
            backend.kill()


async def restart_postgres(shop: Shop, fault: Misfortune) -> None:
    """What `pg_ctl stop -m immediate` does: no checkpoint, no good-byes, recovery at the start."""
    await shop.apart(lambda: _end(shop.engine("postgres").process, signal.SIGQUIT))
    await asyncio.sleep(fault.lasts_s)
    await shop.apart(shop.engine("postgres").start)


def _end(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    process.send_signal(number)
    process.wait(30)


async def cut_commits(shop: Shop, fault: Misfortune) -> None:
    await _doom(shop.to_database, fault, count=6)


async def cut_clients(shop: Shop, fault: Misfortune) -> None:
    await _doom(shop.to_web, fault, count=30)


async def lose_provider_answers(shop: Shop, fault: Misfortune) -> None:
    """Charged, and not heard of; or never arrived: who asked can't tell."""
    await _doom(shop.to_providers, fault, count=60)


async def _doom(link: Link, fault: Misfortune, *, count: int) -> None:
    chance = random.Random(fault.number)
    link.doom(chance.choices(tuple(Moment), k=count))
    for _ in range(40):
        await asyncio.sleep(0.25)
        if not link.doomed_count:
            return
    link.spare()


async def cut_database(shop: Shop, fault: Misfortune) -> None:
    shop.to_database.cut()


async def lose_the_way_to_the_database(shop: Shop, fault: Misfortune) -> None:
    """Nothing gets through and nobody is told, until a new connection would: the old ones lead nowhere for ever."""
    shop.to_database.hold()
    await asyncio.sleep(fault.lasts_s)
    shop.to_database.abandon()


async def slow_database(shop: Shop, fault: Misfortune) -> None:
    await _slow(shop.to_database, 0.02, fault)


async def slow_providers(shop: Shop, fault: Misfortune) -> None:
    """Half of the answers come too late for a try, some for the whole call."""
    await _slow(shop.to_providers, PROVIDER_TIMEOUT_S / 5, fault)


async def _slow(link: Link, delay_s: float, fault: Misfortune) -> None:
    link.delay_s = delay_s
    await asyncio.sleep(fault.lasts_s)
    link.delay_s = 0.0


async def providers_away(shop: Shop, fault: Misfortune) -> None:
    shop.to_providers.close()
    await asyncio.sleep(fault.lasts_s)
    await shop.to_providers.open()


async def flush_valkey(shop: Shop, fault: Misfortune) -> None:
    async with Redis.from_url(shop.redis_url) as redis:
        await redis.flushall()


async def restart_valkey(shop: Shop, fault: Misfortune) -> None:
    """Killed, and away for a while; it comes back empty."""
    await shop.apart(lambda: _end(shop.engine("valkey").process, signal.SIGKILL))
    await asyncio.sleep(fault.lasts_s)
    await shop.apart(shop.engine("valkey").start)


async def freeze_valkey(shop: Shop, fault: Misfortune) -> None:
    """It takes connections and answers nobody."""
    await _freeze(shop.engine("valkey").process.pid, fault.lasts_s)


async def freeze_worker(shop: Shop, fault: Misfortune) -> None:
    """Past its lease, wherever it happens to be, then it goes on as if nothing had been."""
    await _freeze(shop.workers[fault.number % len(shop.workers)].pid, LEASE_S + fault.lasts_s)


async def freeze_web(shop: Shop, fault: Misfortune) -> None:
    """The balancer notices nothing."""
    await _freeze(shop.webs[fault.number % len(shop.webs)].pid, fault.lasts_s)


async def _freeze(pid: int, lasts_s: float) -> None:
    os.kill(pid, signal.SIGSTOP)
    await asyncio.sleep(lasts_s)
    os.kill(pid, signal.SIGCONT)


async def fill_the_disk(shop: Shop, fault: Misfortune) -> None:
    """PostgreSQL refuses what needs room, or ends where its log finds none; then it is started again, with room."""
    filler = shop.data_dir / "filler"
    await shop.apart(lambda: _fill(filler))
    await asyncio.sleep(fault.lasts_s)
    filler.unlink()
    postgres = shop.engine("postgres")
    if postgres.process.poll() is not None:
        await shop.apart(postgres.start)


def _fill(filler: Path) -> None:
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 16))


async def deploy(shop: Shop, fault: Misfortune) -> None:
    """Each new process first works beside the old one, which then finishes what it has under way and ends."""
    for number, old in enumerate(shop.webs):
        new = shop.new_web()
        await new.until_ready()
        shop.webs[number] = new
        await old.end()
    for number, old_worker in enumerate(shop.workers):
        shop.workers[number] = shop.new_worker()
        await asyncio.sleep(1.0)
        await old_worker.end()


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of fault is done, and from how many seconds to how many it lasts.

    `scales`: the seconds are those of the real thing and are multiplied by the run's scale.
    """

    strike: Strike
    least_s: float = 0.0
    most_s: float = 0.0
    scales: bool = False


KINDS: Final[Mapping[str, Kind]] = {
    "a web process killed": Kind(kill_web, 0, 2),
    "a worker killed": Kind(kill_worker, 0, 2),
    "the providers killed": Kind(kill_sandbox, 0, 2),
    "all web and worker processes killed": Kind(kill_all_of_ours, 0, 2),
    "a PostgreSQL backend killed": Kind(kill_a_backend),
    "PostgreSQL restarted at once": Kind(restart_postgres, 0, 3),
    "cut during COMMIT": Kind(cut_commits),
    "all database connections cut": Kind(cut_database),
    "the way to the database lost": Kind(lose_the_way_to_the_database, 1, 5),
    "PostgreSQL slow": Kind(slow_database, 2, 5),
    "cut from clients": Kind(cut_clients),
    "Valkey flushed": Kind(flush_valkey),
    "Valkey killed and away": Kind(restart_valkey, 20, 60, scales=True),
    "Valkey frozen": Kind(freeze_valkey, 2, 6),
    "a worker frozen past its lease": Kind(freeze_worker, 1, 4),
    "a web process frozen": Kind(freeze_web, 1, 5),
    "the providers away": Kind(providers_away, 60, 180, scales=True),
    "the providers slow": Kind(slow_providers, 3, 8),
    "the providers' answers lost": Kind(lose_provider_answers),
    "disk full": Kind(fill_the_disk, 2, 5),
    "deploy": Kind(deploy),
}

NEEDS_SMALL_DISK: Final = "disk full"


def schedule(seed: int, *, count: int, scale: float, kinds: Sequence[str]) -> list[Misfortune]:
    """`count` faults of these kinds, each as often as the others while they last, in the order that the seed says."""
    chance = random.Random(seed)
    chosen: list[str] = []
    while len(chosen) < count:
        chosen += chance.sample(list(kinds), min(len(kinds), count - len(chosen)))
    return [_drawn(chance, kind, scale) for kind in chosen]


def _drawn(chance: random.Random, kind: str, scale: float) -> Misfortune:
    how = KINDS[kind]
    lasts_s = chance.uniform(how.least_s, how.most_s) * (scale if how.scales else 1.0)
    return Misfortune(kind, chance.uniform(0.3, 1.5), lasts_s, chance.randrange(1 << 30))
