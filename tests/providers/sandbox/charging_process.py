"""Charges keys c-0, c-1, … through the sandbox on a shared file, printing each key once it is answered.

Arguments: the file, how many keys, the latency in ms.
"""

import asyncio
import sys
from pathlib import Path

from oms.providers.ports import ChargeRequest
from oms.providers.sandbox.call_log import CallLog
from oms.providers.sandbox.rules import SandboxRules
from oms.providers.sandbox.sandbox import Sandbox


async def main(path: Path, count: int, latency_ms: float) -> None:
    sandbox = Sandbox(SandboxRules(latency_ms=latency_ms), CallLog(path))

    async def charge(n: int) -> None:
        answer = await sandbox.charge(ChargeRequest(f"c-{n}", 1000 + n, "USD", "sandbox-ok"))
        assert answer.succeeded
        sys.stdout.write(f"c-{n}\n")
        sys.stdout.flush()

    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for first in range(0, count, 50):
        await asyncio.gather(*map(charge, range(first, min(first + 50, count))))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
