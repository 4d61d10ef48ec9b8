"""The engines that a command uses: those of its settings, or those of the running instance."""

import os
from collections.abc import Mapping

from oms.platform.settings import CannotStart, Settings, variable
from oms.tools.dev_services.embedded import RunningInstance, running_instance


def located(settings: Settings) -> Settings:
    """The settings with both URLs, and with the running instance's port unless one is set.

    Raises: CannotStart if a URL is not set and no instance runs in the data folder.
    """
    if settings.database_url and settings.redis_url:
        return settings
    instance = running_instance(settings.data_dir)
    if not (instance and instance.database_url):
        raise CannotStart(
            f"No instance runs in {settings.data_dir}.\n"
            "Start one (make run), set OMS_DATA_DIR to its folder, or set OMS_DATABASE_URL and OMS_REDIS_URL."
        )
    return settings.model_copy(update=_missing(settings, instance))


def _missing(settings: Settings, instance: RunningInstance) -> dict[str, object]:
    found: dict[str, object] = {
        "database_url": settings.database_url or instance.database_url,
        "redis_url": settings.redis_url or instance.redis_url,
    }
    if not settings.database_url:
        found["migration_database_url"] = instance.owner_url
    if instance.port and "port" not in settings.model_fields_set:
        found["port"] = instance.port
    return found


def environment_of(settings: Settings) -> Mapping[str, str]:
    """The environment for child processes: this process's, with these settings, and without the owner's URL."""
    changed = {
        "migration_database_url": "",
        "database_url": settings.database_url or "",
        "redis_url": settings.redis_url or "",
        "data_dir": str(settings.data_dir),
        "amendment_timeout_s": str(settings.amendment_timeout_s),
        "demo": str(settings.demo),
    }
    return os.environ | {variable(field): value for field, value in changed.items()}
