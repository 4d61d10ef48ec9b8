"""`python -m tests.system.fuzz --cases 10000`: fuzzes a new shop and checks it. Exits 1 if anything is wrong."""

import argparse
import logging
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.platform.conftest import oms
from tests.system.fuzz.fuzzer import fuzz
from tests.system.fuzz.shop import running_shop


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.system.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    logging.disable(logging.INFO)
    folder = Path(tempfile.mkdtemp(prefix="oms-fuzz-"))
    folder.chmod(0o711)  # root runs PostgreSQL as another user, who must enter
    try:
        with running_shop(folder) as shop:
            started_s = time.monotonic()
            report = fuzz(shop, cases=arguments.cases, first_seed=arguments.seed)
            print(f"{report}\nin {time.monotonic() - started_s:.0f} s")
            check = oms(shop.instance.environment, "check", within_s=300)
            print(check.stdout.strip().splitlines()[-1] if check.stdout else check.stderr)
    finally:
        shutil.rmtree(folder)
    return 1 if report.wrong or check.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
