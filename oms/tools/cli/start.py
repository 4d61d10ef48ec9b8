"""How every command begins: its settings, its log, and the engines it works on."""

import os

import typer

from oms.platform.settings import CannotStart, Settings, load_settings, unknown_variables


def settings_of(process: str) -> Settings:
    """The environment's settings, with the log set up. `process` names it in every line."""
    from oms.platform.logs import configure_logs

    for name in unknown_variables(os.environ):
        typer.echo(f"{name} is no setting of this program; see docs/reference/settings.md.", err=True)
    settings = load_settings()
    configure_logs(settings, process=process)
    return settings


def on_engines(process: str) -> Settings:
    """The settings with the engines' URLs; the environment is given them too, for whoever reads it later."""
    from oms.tools.dev_services.instance import environment_of, located

    settings = located(settings_of(process))
    os.environ.update(environment_of(settings))
    return settings


def database_url_of(settings: Settings) -> str:
    if settings.database_url is None:
        raise CannotStart("OMS_DATABASE_URL is not set.")
    return settings.database_url


def on_migrated_database(process: str) -> str:
    """The URL of a database that is at this program's version. Raises: CannotStart."""
    from oms.platform.migrations import require_migrated

    url = database_url_of(on_engines(process))
    require_migrated(url)
    return url
