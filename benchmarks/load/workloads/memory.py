"""Whether memory grows during the workload life."""

from typing import Final

from benchmarks.load.figures import Figures
from benchmarks.load.ground import Ground
from benchmarks.load.workloads import life

LOOKS: Final = 12


async def over_time(ground: Ground, seconds: float) -> Figures:
    """`…_early`: after the first twelfth of the time, when everything was used once; the others: at the end."""
    early: Figures = {}
    figures: Figures = {}
    for _ in range(LOOKS):
        figures = await life.sustained(ground, seconds / LOOKS / (1 + life.RAMP_SHARE))
        early = early or figures
        print(f"    web {figures['rss_mb_web']:.0f} MB, worker {figures['rss_mb_worker']:.0f} MB", flush=True)
    kept = {name: figures[name] for name in ("rss_mb_web", "rss_mb_worker", "rate_per_s")}
    return kept | {f"{name}_early": early[name] for name in kept} | {"seconds": seconds}
