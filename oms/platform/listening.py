"""Listening sockets. They are bound before anything else starts, so that a port in use is reported at once."""

import errno
import socket
from typing import Final

from oms.platform.settings import CannotStart

_BACKLOG: Final = 2048
SEND_BUFFER_BYTES: Final = 256 * 1024
"""Of the kernel, for each connection. By itself it takes up to 4 MiB for each client that does not read."""

_REMEDIES: Final = {
    errno.EADDRINUSE: "Stop the other program, or set {variable} to another port (0: any free port).",
    errno.EACCES: "Ports below 1024 are reserved: set {variable} to a higher one.",
}


def listen(host: str, port: int, *, variable: str) -> socket.socket:
    """A listening socket; port 0: any free port. `variable`: the setting of the port.

    Raises: CannotStart, with what to change.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as problem:
        number = problem.errno if isinstance(problem, OSError) else None
        remedy = _REMEDIES.get(number or 0, "Set OMS_HOST to an address of this machine.")
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise CannotStart(
            f"Cannot listen on port {port} of {host}: {reason}.\n{remedy.format(variable=variable)}"
        ) from problem
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES // 2)  # Linux doubles it
    return listening


def port_of(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])
