"""The start of every command: its settings, its log, and the engines it uses."""

import os
from pathlib import Path

import typer

from oms.platform.settings import CannotStart, Settings, load_settings, unknown_variables


def settings_of(process: str) -> Settings:
    """Reads the settings and configures the log. `process`: its name in every line of the log."""
    from oms.platform.log.logs import configure_logs

    for name in unknown_variables(os.environ):
        typer.echo(f"{name} is not a setting of this program; see docs/reference/settings.md.", err=True)
    settings = load_settings()
    configure_logs(settings, process=process)
    return settings


def on_engines(process: str) -> Settings:
    """The settings with the engines' URLs, which are also set in the environment for code that reads it later."""
    from oms.tools.dev_services.instance import environment_of, located

    settings = located(settings_of(process))
    os.environ.update(environment_of(settings))
    return settings


def without_root(settings: Settings, *, writes_to: Path | None = None) -> None:
    """If root started this process, it becomes another user, who gets the folder `writes_to`.

    Raises: CannotStart if there is no user that could run it.
    """
    from oms.tools.dev_services.embedded.account import account_for_program

    if account := account_for_program(settings.run_as):
        if writes_to:
            account.owns(writes_to)
        account.become()


def database_url_of(settings: Settings) -> str:
    if settings.database_url is None:
        raise CannotStart("OMS_DATABASE_URL is not set.")
    return settings.database_url


def on_migrated_database(process: str) -> str:
    """The URL of a database of this program's version. Raises: CannotStart."""
    from oms.platform.migrations import require_migrated

    url = database_url_of(on_engines(process))
    require_migrated(url)
    return url
