"""`python -m oms check`: checks the database and prints the report."""

import asyncio
import sys
from pathlib import Path
from typing import Final

import asyncpg
from rich.console import Console
from sqlalchemy.engine import make_url

from oms.platform.migrations import require_migrated
from oms.platform.settings import CannotStart, Settings
from oms.tools.check.check import Report
from oms.tools.check.report import as_json, print_report
from oms.tools.check.sandbox.log import FILE_NAME, UnreadableLog
from oms.tools.check.snapshot import run_checks
from oms.tools.dev_services.instance import located

CLEAN: Final = 0
VIOLATED: Final = 1
COULD_NOT_RUN: Final = 2

PLAIN_WIDTH: Final = 120


def run(settings: Settings, json_file: Path | None = None) -> int:
    """Returns the exit code: 0 if every rule holds, 1 if one is violated, 2 if the check could not run."""
    try:
        report = _check(settings)
        if json_file is not None:
            json_file.write_bytes(as_json(report))
    except (CannotStart, UnreadableLog, OSError, asyncpg.PostgresError) as problem:
        Console(stderr=True).print(
            f"The check could not run: {problem}", style="red", soft_wrap=True, highlight=False, markup=False
        )
        return COULD_NOT_RUN
    print_report(report, Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH))
    return VIOLATED if report.violated else CLEAN


def _check(settings: Settings) -> Report:
    url = settings.database_url or located(settings).database_url
    if url is None:
        raise CannotStart("OMS_DATABASE_URL is not set.")
    require_migrated(url)
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return asyncio.run(run_checks(address, settings.data_dir / FILE_NAME))
