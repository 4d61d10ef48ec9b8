"""The commands of `python -m oms`. Each imports what it needs when it runs, so that the help appears at once."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from oms.domain.actor import Role
from oms.settings import CannotStart, Settings, SettingsInvalid, load_settings, settings_page, unknown_variables

app = typer.Typer(
    help="An order management system. Settings come from the environment: see docs/settings.md.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def main() -> None:
    """Run a command; what keeps it from starting is said in a line or two, without a traceback."""
    try:
        app(prog_name="python -m oms")
    except CannotStart as problem:
        typer.echo(str(problem), err=True)
        sys.exit(2 if isinstance(problem, SettingsInvalid) else 1)


@app.command()
def run() -> None:
    """Start everything on this machine: PostgreSQL, Valkey, migrations, demo data, web and workers."""
    from oms.supervisor import run as run_everything

    run_everything(_settings("supervisor"))


@app.command()
def web(
    fd: Annotated[int | None, typer.Option(help="Serve on this inherited listening socket.", hidden=True)] = None,
) -> None:
    """Serve the API and the pages, on OMS_HOST and OMS_PORT."""
    settings = _on_engines("web")

    from oms.serve import serve

    serve(settings, _database_url(settings), fd=fd)


@app.command()
def worker() -> None:
    """Carry out due work of the kinds in OMS_QUEUES, until stopped."""
    from oms.database_version import require_migrated

    settings = _on_engines("worker")
    require_migrated(_database_url(settings))

    from oms.jobs.worker import main as work

    work(settings)


@app.command()
def sandbox() -> None:
    """Serve the billing and courier sandbox over HTTP, on OMS_HOST and OMS_SANDBOX_PORT."""
    from oms.providers.sandbox_service import run as run_sandbox

    run_sandbox(_settings("sandbox"))


@app.command()
def migrate() -> None:
    """Bring the database to the version this program needs."""
    from oms.database_version import migrate as migrate_database

    migrate_database(_database_url(_on_engines("migrate")))


@app.command()
def token(
    role: Annotated[Role, typer.Option(help="What the bearer may do.", case_sensitive=False)],
    name: Annotated[str, typer.Option(help="Who it is for; events carry this name.")],
    customer: Annotated[str | None, typer.Option(help="A CUSTOMER's own reference.")] = None,
    days: Annotated[int | None, typer.Option(help="Days until it expires; without, it does not.")] = None,
) -> None:
    """Issue a bearer token and print it, and nothing else. It can't be shown again."""
    from oms.database_version import require_migrated
    from oms.token_command import issue

    url = _database_url(_on_engines("token"))
    require_migrated(url)
    typer.echo(asyncio.run(issue(url, role=role, name=name, customer=customer, days=days)))


@app.command()
def replay(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, help="Order files, .jsonl.gz.")],
    rate: Annotated[float | None, typer.Option(min=0.01, help="Orders a second; default: as fast as it goes.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Place at most this many orders.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Requests under way at once.")] = 8,
    bulk: Annotated[int, typer.Option(min=1, max=1000, help="Orders in one request.")] = 1,
    wait: Annotated[float, typer.Option(min=1, help="Seconds to wait while no order becomes final.")] = 180,
    anonymous: Annotated[bool, typer.Option("--anonymous", help="Place orders without a customer, too.")] = False,
    restock: Annotated[bool, typer.Option("--restock", help="Add opening stock where some is known already.")] = False,
    url: Annotated[str | None, typer.Option(help="The API's address; default: the running instance's.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the report to this file, as JSON.")] = None,
) -> None:
    """Play real orders through the public API, and report what became of them."""
    from oms.replay.command import Options
    from oms.replay.command import run as run_replay

    options = Options(files, rate, limit, concurrency, bulk, wait, anonymous, restock, url, json)
    raise typer.Exit(run_replay(options, _settings("replay") if url else _on_engines("replay")))


@app.command()
def check(
    json: Annotated[Path | None, typer.Option(help="Write the findings to this file, as JSON.")] = None,
) -> None:
    """Verify in the database that the rules of the domain hold; exit 1 if one is violated, 2 if it can't be told."""
    from oms.check.command import run as run_check

    raise typer.Exit(run_check(_settings("check"), json))


@app.command()
def settings() -> None:
    """Print docs/settings.md: every setting with its default and meaning."""
    typer.echo(settings_page(), nl=False)


@app.command()
def schema() -> None:
    """Print the GraphQL schema that the API serves."""
    from oms.schema.export import sdl

    typer.echo(sdl())


@app.command()
def diagrams() -> None:
    """Print the README's state diagrams, drawn from the transition tables."""
    from oms.diagrams import state_diagrams

    typer.echo(state_diagrams(), nl=False)


def _settings(process: str) -> Settings:
    from oms.logs import configure_logs

    for name in unknown_variables(os.environ):
        typer.echo(f"{name} is no setting of this program; see docs/settings.md.", err=True)
    settings = load_settings()
    configure_logs(settings, process=process)
    return settings


def _on_engines(process: str) -> Settings:
    """The settings with the engines' URLs; the environment is given them too, for whoever reads it later."""
    from oms.instance import environment_of, located

    settings = located(_settings(process))
    os.environ.update(environment_of(settings))
    return settings


def _database_url(settings: Settings) -> str:
    if settings.database_url is None:
        raise CannotStart("OMS_DATABASE_URL is not set.")
    return settings.database_url
