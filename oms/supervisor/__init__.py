"""`python -m oms run`: everything on one machine, started in order, watched, and stopped in order."""

from oms.supervisor.run import run

__all__ = ["run"]
