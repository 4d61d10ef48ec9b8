"""Runs the benchmark: a shop for each filling, and in it one workload after the other."""

import resource
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import uvloop

from benchmarks.filling.fill import fill, filled_with
from benchmarks.load.figures import Figures
from benchmarks.load.ground import Ground, stand_on
from benchmarks.load.http import NotAsExpected
from benchmarks.load.options import Options
from benchmarks.load.results import Results, load_average, this_machine
from benchmarks.load.shop import Shop, open_shop
from benchmarks.load.workloads import WORKLOADS, Workload
from oms.platform.grants import address_of
from oms.platform.settings import CannotStart
from oms.tools.check.sandbox.log import FILE_NAME
from oms.tools.check.snapshot import run_checks

CHECKED: Final = frozenset({"life", "flash", "limit"})
"""After these, `oms check` checks the rules, unless the database was filled."""

_BRIEF: Final = ("rate_per_s", "p50_ms", "p99_ms", "ratio", "start_s", "lost", "each_kb", "violations")
_FILES_EACH: Final = 2


def run(options: Options) -> None:
    """Measures the requested workloads and saves the results after each. Raises: CannotStart."""
    chosen = [each for each in WORKLOADS if each.name in options.only or (not options.only and each.by_default)]
    if unknown := set(options.only) - {each.name for each in chosen}:
        known = ", ".join(each.name for each in WORKLOADS)
        raise CannotStart(f"There is no workload {', '.join(sorted(unknown))}; there are {known}.")
    _allow_many_sockets(_FILES_EACH * options.subscribers)
    for filled in options.fillings:
        wanted = [each for each in chosen if each.grows or not filled]
        if wanted:
            say(f"\n{filled:,} orders in the database beforehand")
            _measure_filled(replace(options, folder=_folder_of(options, filled)), filled, wanted)


def say(line: str) -> None:
    print(line, flush=True)


def _folder_of(options: Options, filled: int) -> Path | None:
    return options.folder / f"filled-{filled}" if options.folder else None


def _measure_filled(options: Options, filled: int, workloads: list[Workload]) -> None:
    shape = {"web_processes": options.web_processes, "worker_processes": options.worker_processes}
    with open_shop(options.folder, **shape) as shop:
        if filled:
            _fill(shop, filled, options)
        shop.start_webs()
        uvloop.run(_measure_all(shop, options, filled, workloads))


def _fill(shop: Shop, filled: int, options: Options) -> None:
    """Fills the database unless it is filled already."""
    if filled_with(shop.engines.owner_url) == filled:
        return
    began_s = time.perf_counter()
    fill(shop.engines, filled, lambda step: say(f"  {time.perf_counter() - began_s:6.0f} s  {step}"))
    results = Results.read(options.results)
    results.fill_s[str(filled)] = round(time.perf_counter() - began_s)
    results.write(options.results)


async def _measure_all(shop: Shop, options: Options, filled: int, workloads: list[Workload]) -> None:
    results = Results.read(options.results)
    results.machine = this_machine()
    ground = await stand_on(shop, options, filled)
    for workload in workloads:
        load = load_average()
        say(f"\n{workload.name}: {workload.about}")
        ground.earlier = {name: each.runs for name, each in results.measured.get(str(filled), {}).items()}
        try:
            runs = await _measure(ground, workload)
        except NotAsExpected as problem:
            raise CannotStart(f"The workload {workload.name} ended: {problem}") from problem
        shop.require_alive()
        results.add(filled, workload.name, runs, load=load, options=_shape(options))
        results.write(options.results)
    await ground.owner.close()


def _shape(options: Options) -> dict[str, Any]:
    """What a reader of the results has to know."""
    told = asdict(options)
    for name in ("only", "fillings", "folder", "results"):
        del told[name]
    return told


async def _measure(ground: Ground, workload: Workload) -> list[Figures]:
    options = ground.options
    await ground.begin(workers=workload.workers, readable=workload.readable)
    if workload.warms_up:
        await workload.run(ground, options.warm_up_s)
        await ground.analyze()
    runs: list[Figures] = []
    for number in range(options.runs if workload.by_default else 1):
        if workload.fresh and number:
            await ground.begin(workers=workload.workers, readable=workload.readable)
        figures = await workload.run(ground, options.seconds)
        if workload.name in CHECKED and not ground.filled:
            figures["violations"] = await _violations(ground)
        runs.append(figures)
        say("  " + ", ".join(f"{name} {figures[name]:.4g}" for name in _BRIEF if name in figures))
    return runs


async def _violations(ground: Ground) -> float:
    """The number of violations that `oms check` finds: speed that breaks rules does not count."""
    folder = ground.shop.engines.folder.path
    findings = await run_checks(address_of(ground.shop.engines.owner_url), folder / FILE_NAME)
    for result in findings.violated:
        say(f"  VIOLATED: {result.holds}: {result.first}")
    return float(len(findings.violated))


def _allow_many_sockets(wanted: int) -> None:
    """Raises: CannotStart if the system does not allow so many open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        if hard < wanted:
            raise CannotStart(f"{wanted} open files are needed, {hard} are allowed: raise it (ulimit -n {wanted}).")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
