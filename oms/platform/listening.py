"""Sockets that servers accept on: bound before anything else starts, so that a taken port is noticed at once."""

import errno
import socket
from typing import Final

from oms.platform.settings import CannotStart

_BACKLOG: Final = 2048
_MENDED_BY: Final = {
    errno.EADDRINUSE: "Stop what listens there, or set {variable} to another port (0 takes a free one).",
    errno.EACCES: "Ports below 1024 are reserved: set {variable} to a higher one.",
}


def listen(host: str, port: int, *, variable: str) -> socket.socket:
    """A listening socket; port 0 takes a free one. `variable` is the setting that the port came from.

    Raises: CannotStart with what to change.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as problem:
        number = problem.errno if isinstance(problem, OSError) else None
        mended_by = _MENDED_BY.get(number or 0, "Set OMS_HOST to an address of this machine.")
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise CannotStart(
            f"Port {port} on {host} cannot be listened on: {reason}.\n{mended_by.format(variable=variable)}"
        ) from problem


def port_of(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])
