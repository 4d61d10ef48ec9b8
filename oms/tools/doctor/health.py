"""The health of the system: workers, Redis, open transactions, clock, disk."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import text

from oms.domain.audit.chain import store as chain_store
from oms.domain.audit.chain.store import Progress
from oms.domain.concepts import REGISTRY
from oms.domain.diagnosis.vital_signs import ARCHIVER, MAX_TRANSACTION_S, MAX_UNSEALED_S, oldest_transaction_s
from oms.domain.tokens.commands import expiring_soon
from oms.domain.tokens.model import AccessToken
from oms.domain.work.store import ALIVE
from oms.platform.db import Database
from oms.platform.notifications import CHANNEL

MAX_CLOCK_DIFFERENCE_S: Final = 2.0
MAX_NAMED: Final = 5
MIN_FREE_SHARE: Final = 0.1
MIN_FREE_BYTES: Final = 1 << 30
_REDIS_TIMEOUT_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of the system. `remedy` is empty if it is healthy."""

    name: str
    state: str
    remedy: str = ""

    @property
    def is_healthy(self) -> bool:
        return not self.remedy


_WORKERS: Final = text(
    f"""
    SELECT q.name, count(w.name) AS workers, count(w.name) FILTER (WHERE q.name <> ALL(w.listening)) AS silent
    FROM unnest(CAST(:queues AS text[])) AS q(name)
    LEFT JOIN workers w ON q.name = ANY(w.queues) AND {ALIVE}
    GROUP BY q.name
    """  # noqa: S608 - a constant
)
_SETTINGS: Final = text("SELECT maintenance, updated_at FROM fraud_settings WHERE id = 1")


async def check_health(db: Database, redis_url: str, data_dir: Path) -> list[Finding]:
    """All findings, also healthy ones. Raises OSError or SQLAlchemy's error if the database is unreachable."""
    async with db.reading() as conn:
        workers = {row.name: row for row in await conn.execute(_WORKERS, {"queues": list(REGISTRY.work_kinds)})}
        oldest_s = await oldest_transaction_s(conn)
        settings = (await conn.execute(_SETTINGS)).one()
        archiver = (await conn.execute(ARCHIVER)).one()
        clock = (await conn.execute(text("SELECT clock_timestamp()"))).scalar_one()
        sealing = await chain_store.progress(conn)
        ahead_s = (clock - datetime.now(UTC)).total_seconds()
    return [
        *(_served(queue, workers[queue].workers, workers[queue].silent) for queue in REGISTRY.work_kinds),
        await _redis(redis_url),
        _maintenance(settings),
        _transactions(oldest_s),
        _clock(ahead_s),
        _disk(data_dir),
        _archive(archiver),
        _sealing(sealing),
        _tokens(await expiring_soon(db)),
    ]


def _served(queue: str, workers: int, silent: int) -> Finding:
    if silent:
        state = f"{workers} alive, {silent} of them hear no wake-ups"
        remedy = (
            "Work starts up to a second late. If Redis is reachable from here, see the worker's log, and restart it."
        )
        return Finding(f"Workers: {queue}", state, remedy)
    if workers:
        return Finding(f"Workers: {queue}", f"{workers} alive")
    return Finding(f"Workers: {queue}", "none", f"Start one: python -m oms worker (OMS_QUEUES must name {queue}).")


async def _redis(url: str) -> Finding:
    client: Redis = Redis.from_url(url, socket_connect_timeout=_REDIS_TIMEOUT_S, socket_timeout=_REDIS_TIMEOUT_S)
    try:
        [(_, listeners)] = await client.pubsub_numsub(CHANNEL)
    except (RedisError, OSError) as error:
        return Finding(
            "Redis",
            f"unreachable ({type(error).__name__})",
            "Start it. Nothing is lost: meanwhile work and live pages are up to a second late.",
        )
    finally:
        await client.aclose()
    return Finding("Redis", f"reachable, {listeners} web processes listen")


def _maintenance(settings: Any) -> Finding:
    if not settings.maintenance:
        return Finding("Fraud control", "active")
    state = f"in maintenance since {settings.updated_at:%Y-%m-%d %H:%M} UTC or earlier"
    return Finding(
        "Fraud control", state, "Charges are held. A manager ends the maintenance on the page Fraud control."
    )


def _transactions(oldest_s: float) -> Finding:
    state = f"the oldest open one is {oldest_s:.1f} s old" if oldest_s else "none open"
    remedy = "It holds locks and delays live changes: find it in pg_stat_activity and end its process."
    return Finding("Transactions", state, remedy if oldest_s > MAX_TRANSACTION_S else "")


def _clock(ahead_s: float) -> Finding:
    """Only the database's clock counts; a difference makes logs hard to compare."""
    state = f"the database's clock is {ahead_s:+.1f} s from this machine's"
    remedy = "Deadlines use the database's clock: synchronise the clocks of both machines (NTP)."
    return Finding("Clock", state, remedy if abs(ahead_s) > MAX_CLOCK_DIFFERENCE_S else "")


def _archive(archiver: Any) -> Finding:
    """PostgreSQL's own; other tools for backups have their own alarms."""
    if not archiver.is_on:
        return Finding("Archive", "PostgreSQL archives nothing")
    if not archiver.is_failing:
        return Finding("Archive", "PostgreSQL archives its changes")
    remedy = "New changes are in no backup. See PostgreSQL's log; most often the backup folder's disk is full."
    return Finding("Archive", f"failing since {archiver.last_failed_time:%Y-%m-%d %H:%M} UTC or earlier", remedy)


def _disk(folder: Path) -> Finding:
    """Of this machine's data folder. The disk of an external PostgreSQL is not visible from here."""
    while not folder.exists():
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    state = f"{usage.free / 1e9:.1f} GB free of {usage.total / 1e9:.1f} GB at the data folder"
    short = usage.free < MIN_FREE_BYTES or usage.free < MIN_FREE_SHARE * usage.total
    return Finding("Disk", state, "PostgreSQL stops when the disk is full: free some space." if short else "")


def _sealing(progress: Progress) -> Finding:
    """The audit log's chain. Whoever noted an earlier digest can compare it: `audit export` prints each."""
    digest = progress.last.digest.hex()[:16] if progress.last.number else "none"
    state = (
        f"sealed to no. {progress.last.number}, digest {digest}; {progress.waiting} wait, for {progress.oldest_s:.0f} s"
    )
    remedy = "Workers seal it every few seconds: see that one runs, and that no transaction stays open."
    return Finding("Audit log", state, remedy if progress.oldest_s > MAX_UNSEALED_S else "")


def _tokens(expiring: Sequence[AccessToken]) -> Finding:
    if not expiring:
        return Finding("Access tokens", "none expires soon")
    named = [f"{each.name} ({each.id}) on {each.expires_at:%Y-%m-%d}" for each in expiring[:MAX_NAMED]]
    state = f"{len(expiring)} will expire soon: {', '.join(named)}"
    return Finding(
        "Access tokens", state, "Rotate them: python -m oms token rotate ID. Revoke what is not used any more."
    )
