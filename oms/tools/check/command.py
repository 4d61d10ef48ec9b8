"""`python -m oms check`: finds the database, looks, reports."""

import asyncio
import sys
from pathlib import Path
from typing import Final

import asyncpg
from rich.console import Console
from sqlalchemy.engine import make_url

from oms.platform.migrations import require_migrated
from oms.platform.settings import CannotStart, Settings
from oms.tools.check.check import Findings
from oms.tools.check.report import as_json, print_report
from oms.tools.check.sandbox import FILE_NAME, UnreadableLog
from oms.tools.check.snapshot import look
from oms.tools.dev_services.instance import located

CLEAN: Final = 0
VIOLATED: Final = 1
NOT_POSSIBLE: Final = 2

PLAIN_WIDTH: Final = 120


def run(settings: Settings, json_file: Path | None = None) -> int:
    """The exit code: 0 if every rule holds, 1 if one is violated, 2 if that can't be told."""
    try:
        findings = _look(settings)
        if json_file is not None:
            json_file.write_bytes(as_json(findings))
    except (CannotStart, UnreadableLog, OSError, asyncpg.PostgresError) as problem:
        Console(stderr=True).print(
            f"Check ended: {problem}", style="red", soft_wrap=True, highlight=False, markup=False
        )
        return NOT_POSSIBLE
    print_report(findings, Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH))
    return VIOLATED if findings.violated else CLEAN


def _look(settings: Settings) -> Findings:
    url = settings.database_url or located(settings).database_url
    if url is None:
        raise CannotStart("OMS_DATABASE_URL is not set.")
    require_migrated(url)
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return asyncio.run(look(address, settings.data_dir / FILE_NAME))
