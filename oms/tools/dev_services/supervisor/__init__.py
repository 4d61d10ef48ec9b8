"""`python -m oms run`: everything on one machine, started in order, watched, and stopped in order."""

from oms.tools.dev_services.supervisor.run import run

__all__ = ["run"]
