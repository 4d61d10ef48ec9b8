"""`python -m oms bench`: measures the performance and writes docs/evidence/performance.md."""

from pathlib import Path
from typing import Annotated

import typer

from oms.platform.settings import CannotStart


def bench(
    only: Annotated[str | None, typer.Option(help="Workloads by name, separated by commas; default: all.")] = None,
    filled: Annotated[
        str,
        typer.Option(help="Finished orders in the database before measuring; several numbers are measured in turn."),
    ] = "0,1000000,10000000",
    runs: Annotated[int, typer.Option(min=1, help="Runs of each workload; the median is reported.")] = 3,
    seconds: Annotated[float, typer.Option(min=0.5, help="Seconds of each run.")] = 20,
    warm_up: Annotated[float, typer.Option(min=0.5, help="Seconds of a first run that is discarded.")] = 8,
    web: Annotated[int, typer.Option(min=1, help="Web processes.")] = 2,
    worker: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
    outstanding: Annotated[int, typer.Option(min=1, help="Open orders in the workload life.")] = 1_000,
    subscribers: Annotated[int, typer.Option(min=1, help="Subscribers in the workload live.")] = 2_000,
    flash_orders: Annotated[int, typer.Option(min=2, help="Orders in the workload flash.")] = 10_000,
    limit_orders: Annotated[int, typer.Option(min=2, help="Orders in the workload limit.")] = 1_000,
    folder: Annotated[
        Path | None, typer.Option(help="Keep the filled databases here and reuse them. Default: temporary.")
    ] = None,
    results: Annotated[Path | None, typer.Option(help="Add the results to this JSON file.")] = None,
    render: Annotated[bool, typer.Option("--render", help="Do not measure; write the tables and the plot.")] = False,
) -> None:
    """Measure the performance of an instance that this command starts: engines, web and worker processes."""
    try:
        from benchmarks.load.options import RESULTS, Options
        from benchmarks.load.report import render_page
        from benchmarks.load.run import run
    except ModuleNotFoundError as problem:
        raise CannotStart("The benchmarks are only in the project's sources: run this in their folder.") from problem

    if render:
        render_page(results or RESULTS)
        return
    try:
        fillings = tuple(int(part) for part in filled.split(","))
    except ValueError as problem:
        raise typer.BadParameter("--filled takes numbers separated by commas.") from problem
    run(
        Options(
            only=tuple(part.strip() for part in only.split(",")) if only else (),
            fillings=fillings,
            runs=runs,
            seconds=seconds,
            warm_up_s=warm_up,
            web_processes=web,
            worker_processes=worker,
            outstanding=outstanding,
            subscribers=subscribers,
            flash_orders=flash_orders,
            orders_at_the_limit=limit_orders,
            folder=folder,
            results=results or RESULTS,
        )
    )
