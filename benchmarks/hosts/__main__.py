"""`python -m benchmarks.hosts`: the gain of each further host, and the cost of losing one. Needs root on Linux."""

import argparse
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Final

import uvloop

from benchmarks.hosts.loss import lose_one
from benchmarks.hosts.network import Network
from benchmarks.hosts.shares import require_rights
from benchmarks.hosts.site import Site, open_site
from benchmarks.load.figures import SERVERS, Figures
from benchmarks.load.ground import Ground, stand_on
from benchmarks.load.options import Options
from benchmarks.load.report import SCALING_PAGE, write_between
from benchmarks.load.results import this_machine
from benchmarks.load.workloads import life
from oms.platform.grants import address_of
from oms.tools.check.sandbox.log import FILE_NAME
from oms.tools.check.snapshot import run_checks

COMMAND: Final = "python -m benchmarks.hosts --render"

_COLUMNS: Final = (
    "hosts", "orders/s", "times the first", "p99 of placing, ms", "cores used by web and workers", "by PostgreSQL",
    "KB of WAL an order", "commits an order",
)  # fmt: skip
_WRITTEN: Final = """
    SELECT pg_current_wal_insert_lsn() - '0/0' AS wal_bytes, xact_commit AS commits,
           (SELECT count(*) FROM orders WHERE closed_at IS NOT NULL) AS orders
    FROM pg_stat_database WHERE datname = current_database()
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hosts", description=__doc__)
    parser.add_argument("--hosts", type=int, default=3, help="how many are added, one after the other")
    parser.add_argument("--share", type=float, default=0.25, help="of a core, for each of them")
    parser.add_argument("--seconds", type=float, default=15, help="of each measurement")
    parser.add_argument("--outstanding", type=int, default=300, help="orders placed and not completed yet")
    parser.add_argument("--render", action="store_true", help="write what was found into docs/evidence/scaling.md")
    asked = parser.parse_args()
    require_rights()
    with ExitStack() as stack:
        site = open_site(Network(stack), stack)
        told = uvloop.run(_all_of(site, asked))
    if asked.render:
        write_between(SCALING_PAGE, COMMAND, "\n".join(["", *told, "", ""]))


async def _all_of(site: Site, asked: argparse.Namespace) -> list[str]:
    told = []
    async for line in _trial(site, asked):
        print(line, flush=True)
        told.append(line)
    return told


async def _trial(site: Site, asked: argparse.Namespace) -> AsyncIterator[str]:
    """Prints Markdown as it runs. Raises NotAsExpected if anything was lost."""
    machine = this_machine()
    yield f"{asked.share:g} of a core for each host; {machine['cores']} cores ({machine['processor']}) for everything."
    yield ""
    yield _row(*_COLUMNS)
    yield _row(*("---" for _ in _COLUMNS))
    site.add_host(asked.share)
    ground = await stand_on(site, Options(outstanding=asked.outstanding), filled=0)
    first_per_s = 0.0
    for count in range(1, asked.hosts + 1):
        if count > 1:
            site.add_host(asked.share)
        figures = await _sustained(ground, asked.seconds)
        first_per_s = first_per_s or figures["rate_per_s"]
        yield _row(str(count), *_cells(figures, first_per_s))
    yield ""
    yield f"Then one host is lost, and placing goes on: {await lose_one(ground, site, asked.seconds)}"
    yield await _checked(site)
    await ground.owner.close()


async def _sustained(ground: Ground, seconds: float) -> Figures:
    """The figures of the workload life, with what PostgreSQL wrote for each completed order."""
    before = await _written(ground)
    figures = await life.sustained(ground, seconds)
    wal_bytes, commits, orders = (now - then for now, then in zip(await _written(ground), before, strict=True))
    return figures | {"wal_kb": wal_bytes / 1000 / max(1, orders), "commits": commits / max(1, orders)}


async def _written(ground: Ground) -> tuple[float, ...]:
    """So far: bytes of write-ahead log, commits, and closed orders."""
    [row] = await ground.owner.fetch(_WRITTEN)
    return tuple(map(float, row))


def _cells(figures: Figures, first_per_s: float) -> Iterator[str]:
    rate_per_s = figures["rate_per_s"]
    cores = {kind: figures[f"cpu_ms_{kind}"] * rate_per_s / 1000 for kind in SERVERS}
    yield f"{rate_per_s:.0f}"
    yield f"{rate_per_s / first_per_s:.2f}"
    yield f"{figures['place_p99_ms']:.0f}"
    yield f"{cores['web'] + cores['worker']:.2f}"
    yield f"{cores['postgres']:.2f}"
    yield f"{figures['wal_kb']:.1f}"
    yield f"{figures['commits']:.1f}"


async def _checked(site: Site) -> str:
    """The result of `oms check` as text."""
    findings = await run_checks(address_of(site.engines.owner_url), site.engines.folder.path / FILE_NAME)
    broken = [f"{result.holds}: {result.first}" for result in findings.violated]
    return "\n".join(["`oms check` finds rules broken:", *broken]) if broken else "`oms check`: every rule holds."


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
