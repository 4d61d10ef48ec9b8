"""`python -m benchmarks.hosts`: what each further host adds, and what losing one costs. Needs root on Linux."""

import argparse
from contextlib import ExitStack

import uvloop

from benchmarks.hosts.loss import lose_one
from benchmarks.hosts.network import Network
from benchmarks.hosts.shares import require_rights
from benchmarks.hosts.site import Site, open_site
from benchmarks.load.figures import SERVERS, Figures
from benchmarks.load.ground import stand_on
from benchmarks.load.options import Options
from benchmarks.load.workloads import life
from oms.check.sandbox import FILE_NAME
from oms.check.snapshot import look
from oms.database_grants import address_of

_HEAD = "| hosts | orders/s | of the first, times | p99 of placing, ms | cores used: web and workers | PostgreSQL |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hosts", description=__doc__)
    parser.add_argument("--hosts", type=int, default=3, help="how many are added, one after the other")
    parser.add_argument("--share", type=float, default=0.25, help="of a core, for each of them")
    parser.add_argument("--seconds", type=float, default=15, help="of each measurement")
    parser.add_argument("--outstanding", type=int, default=300, help="orders placed and not completed yet")
    asked = parser.parse_args()
    require_rights()
    with ExitStack() as stack:
        site = open_site(Network(stack), stack)
        uvloop.run(_trial(site, asked))


async def _trial(site: Site, asked: argparse.Namespace) -> None:
    """Prints as it goes. Raises NotAsExpected where anything was lost."""
    site.add_host(asked.share)
    ground = await stand_on(site, Options(outstanding=asked.outstanding), filled=0)
    try:
        print(_HEAD, "|---|---|---|---|---|---|", sep="\n", flush=True)
        first = 0.0
        for count in range(1, asked.hosts + 1):
            if count > 1:
                site.add_host(asked.share)
            figures = await life.sustained(ground, asked.seconds)
            first = first or figures["rate_per_s"]
            print(_row(count, figures, first), flush=True)
        print(f"\nOne host of {asked.hosts} is lost: {await lose_one(ground, site, asked.seconds)}", flush=True)
        print(await _checked(site))
    finally:
        await ground.owner.close()


def _row(count: int, figures: Figures, first_per_s: float) -> str:
    rate_per_s = figures["rate_per_s"]
    cores = {kind: figures[f"cpu_ms_{kind}"] * rate_per_s / 1000 for kind in SERVERS}
    cells = (
        f"{rate_per_s:.0f}", f"{rate_per_s / first_per_s:.2f}", f"{figures['place_p99_ms']:.0f}",
        f"{cores['web'] + cores['worker']:.2f}", f"{cores['postgres']:.2f}",
    )  # fmt: skip
    return f"| {count} | {' | '.join(cells)} |"


async def _checked(site: Site) -> str:
    """`oms check`, in words."""
    folder = site.engines.folder.path
    findings = await look(address_of(site.engines.owner_url), folder / FILE_NAME)
    broken = [f"{result.holds}: {result.first}" for result in findings.violated]
    return "\n".join(["`oms check` finds rules broken:", *broken]) if broken else "`oms check`: every rule holds."


if __name__ == "__main__":
    main()
