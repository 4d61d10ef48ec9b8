"""Free ports on the loopback address, and the logs of servers."""

import socket
from pathlib import Path
from typing import Final

LOOPBACK: Final = "127.0.0.1"


def free_port(preferred: int) -> int:
    """The preferred port if it is free, else any free port; 0: no preference."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("There is no free port on the loopback address.")


def last_lines(log_file: Path, count: int = 5) -> str:
    """The end of a server's log, for error messages."""
    if not log_file.exists():
        return ""
    return "\n".join(log_file.read_text(errors="replace").splitlines()[-count:])
