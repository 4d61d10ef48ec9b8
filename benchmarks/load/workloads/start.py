"""The time that a web process takes to start."""

import signal
import time

from benchmarks.load.figures import Figures
from benchmarks.load.ground import Ground
from oms.tools.dev_services.embedded.process import stop


async def web(ground: Ground, _seconds: float) -> Figures:
    """Starts one more beside idle ones; `start_s`: until it is ready."""
    began_s = time.perf_counter()
    process, address = ground.shop.launch_web()
    try:
        ground.shop.wait_until_ready(process, address)
        return {"start_s": time.perf_counter() - began_s}
    finally:
        stop(process, [(signal.SIGTERM, 10.0)])
