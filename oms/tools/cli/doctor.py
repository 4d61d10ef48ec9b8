"""`python -m oms doctor`: what stands still, why, and what to do."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oms.platform.settings import CannotStart, Settings
from oms.tools.cli.start import database_url_of, on_engines

if TYPE_CHECKING:
    from oms.domain.diagnosis.model import Thresholds
    from oms.tools.doctor.report import Examination

HEALTHY, UNHEALTHY, COULD_NOT_RUN = 0, 1, 2

PLAIN_WIDTH = 120


def doctor(
    order: Annotated[str | None, typer.Option(help="Report what the order with this reference waits for.")] = None,
    work_s: Annotated[float, typer.Option(min=0, help="Seconds that due work may wait.")] = 60,
    answer_days: Annotated[float, typer.Option(min=0, help="Days a customer may take to answer an amendment.")] = 3,
    pickup_days: Annotated[float, typer.Option(min=0, help="Days a booked shipment may wait for pickup.")] = 2,
    delivery_days: Annotated[float, typer.Option(min=0, help="Days a shipment may take to be delivered.")] = 14,
    first: Annotated[int, typer.Option(min=1, help="Orders listed for each cause.")] = 20,
    json: Annotated[Path | None, typer.Option(help="Write the full report to this file, as JSON.")] = None,
) -> None:
    """List the orders that have stood still for too long, why, and what to do; and check the system.

    Exit 0 if there is nothing to report, 1 if there is, 2 if the doctor could not run.
    """
    from rich.console import Console

    from oms.domain.diagnosis.model import Thresholds
    from oms.tools.doctor.report import as_json, print_report

    people = {"NO_ANSWER": answer_days, "NOT_PICKED_UP": pickup_days, "NOT_DELIVERED": delivery_days}
    by_cause = {cause: timedelta(days=days) for cause, days in people.items()}
    thresholds = Thresholds(timedelta(seconds=work_s), by_cause)
    try:
        examination = _examine(on_engines("doctor"), thresholds, order)
    except CannotStart as problem:
        typer.echo(f"The doctor could not run: {problem}", err=True)
        raise typer.Exit(COULD_NOT_RUN) from problem
    if json is not None:
        json.write_bytes(as_json(examination))
    print_report(examination, Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH), limit=first)
    raise typer.Exit(HEALTHY if examination.is_healthy else UNHEALTHY)


def _examine(settings: Settings, thresholds: "Thresholds", order: str | None) -> "Examination":
    from oms.platform.migrations import require_migrated

    require_migrated(database_url_of(settings))
    return asyncio.run(_run(settings, thresholds, order))


async def _run(settings: Settings, thresholds: "Thresholds", order: str | None) -> "Examination":
    from oms.domain.diagnosis import queries
    from oms.platform.db import Database
    from oms.tools.doctor.health import check_health
    from oms.tools.doctor.report import Examination

    db = Database(database_url_of(settings), pool_size=1, notify=lambda _: None)
    try:
        findings = await check_health(db, str(settings.redis_url), settings.data_dir)
        if order is None:
            found = await queries.standstills(db, thresholds)
        else:
            known = await queries.of_order(db, order)
            if known is None:
                raise CannotStart(f"There is no order with the reference {order!r}.")
            found = known
        async with db.transaction() as tx:
            return Examination(await tx.clock(), findings, found.standstills, found.is_whole)
    finally:
        await db.close()
