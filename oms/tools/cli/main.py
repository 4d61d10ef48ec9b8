"""The commands of `python -m oms`. Each imports what it needs when it runs, so that the help appears at once."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from oms.platform.settings import CannotStart, SettingsInvalid
from oms.tools.cli import audit, backups, bench, customers, doctor, load, tokens, users
from oms.tools.cli.start import database_url_of, on_engines, settings_of, without_root

app = typer.Typer(
    help="An order management system. Settings come from the environment: see docs/reference/settings.md.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(tokens.app, name="token")
app.add_typer(users.app, name="user")
app.add_typer(audit.app, name="audit")
app.add_typer(customers.app, name="customer")
app.command()(doctor.doctor)
app.command()(backups.backup)
app.command()(backups.restore)
app.command()(bench.bench)
app.command()(load.load)


def main() -> None:
    """Runs a command. An error that the operator can fix is printed in a line or two, without a traceback."""
    try:
        app(prog_name="python -m oms")
    except CannotStart as problem:
        typer.echo(str(problem), err=True)
        sys.exit(2 if isinstance(problem, SettingsInvalid) else 1)


@app.command()
def run() -> None:
    """Start everything on this machine: PostgreSQL, Valkey, migrations, demo data, web and workers."""
    from oms.tools.dev_services.supervisor import run as run_everything

    run_everything(settings_of("supervisor"))


@app.command()
def web(
    fd: Annotated[int | None, typer.Option(help="Serve on this inherited listening socket.", hidden=True)] = None,
) -> None:
    """Serve the API and the pages, on OMS_HOST and OMS_PORT."""
    settings = on_engines("web")
    without_root(settings)

    from oms.tools.serve import serve

    serve(settings, database_url_of(settings), fd=fd)


@app.command()
def worker() -> None:
    """Process due work of the queues in OMS_QUEUES, until stopped."""
    from oms.jobs.worker import main as work
    from oms.platform.migrations import require_ready
    from oms.providers.sandbox.from_settings import sandbox_folder

    settings = on_engines("worker")
    without_root(settings, writes_to=None if settings.providers_url else sandbox_folder(settings))
    require_ready(database_url_of(settings))
    work(settings)


@app.command()
def sandbox() -> None:
    """Serve the billing and courier sandbox over HTTP, on OMS_HOST and OMS_SANDBOX_PORT."""
    from oms.providers.sandbox.http_service import run as run_sandbox

    run_sandbox(settings_of("sandbox"))


@app.command()
def migrate() -> None:
    """Migrate the database to this program's version."""
    from oms.platform.migrations import migrate as migrate_database

    settings = on_engines("migrate")
    migrate_database(settings.migration_database_url or database_url_of(settings))


@app.command()
def replay(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="Order files, .jsonl.gz.")],
    rate: Annotated[
        float | None, typer.Option(min=0.01, help="Orders per second; default: as many as possible.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Place at most this many orders.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Concurrent requests.")] = 8,
    bulk: Annotated[int, typer.Option(min=1, max=1000, help="Orders in each request.")] = 1,
    wait: Annotated[float, typer.Option(min=1, help="Seconds to wait while no order becomes final.")] = 180,
    anonymous: Annotated[bool, typer.Option("--anonymous", help="Also place orders without a customer.")] = False,
    restock: Annotated[
        bool, typer.Option("--restock", help="Add opening stock also to SKUs that have stock already.")
    ] = False,
    url: Annotated[str | None, typer.Option(help="The API's address; default: the running instance's.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the report to this file, as JSON.")] = None,
) -> None:
    """Send real orders to the public API, and report what happened to them."""
    from oms.tools.replay.command import Options
    from oms.tools.replay.command import run as run_replay

    options = Options(files, rate, limit, concurrency, bulk, wait, anonymous, restock, url, json)
    raise typer.Exit(run_replay(options, settings_of("replay") if url else on_engines("replay")))


@app.command()
def check(
    json: Annotated[Path | None, typer.Option(help="Write the findings to this file, as JSON.")] = None,
) -> None:
    """Check the rules of the domain in the database. Exit 1 if one is violated, 2 if the check could not run."""
    from oms.tools.check.command import run as run_check

    raise typer.Exit(run_check(settings_of("check"), json))


@app.command()
def reference(
    page: Annotated[str | None, typer.Argument(help="Print this page, e.g. settings, instead of writing all.")] = None,
) -> None:
    """Write the generated pages of docs/reference/ and the README's state diagrams."""
    from oms.tools.reference.command import run as run_reference

    run_reference(page)


@app.command()
def translations() -> None:
    """Bring translations/*.po up to date with the texts of templates and code."""
    from oms.domain.concepts import REGISTRY  # noqa: F401 - registers the concepts, whose texts are wanted
    from oms.platform.locale.language import Language
    from oms.tools.translations import write

    for language in Language:
        if language is not Language.ENGLISH:
            typer.echo(f"{language}: {write(language)} texts wait for their translation")
