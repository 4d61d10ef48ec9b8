"""`python -m oms run`: starts everything on one machine in order, restarts what ends, and stops in order."""

from oms.tools.dev_services.supervisor.run import run

__all__ = ["run"]
