"""TCP ports on the loopback address, and the answers of the servers behind them."""

import socket
from pathlib import Path
from typing import Final

LOOPBACK: Final = "127.0.0.1"


def free_port(preferred: int) -> int:
    """The preferred port if nobody listens there, else one the system gives; 0 prefers none."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("The system has no free port left on the loopback address.")


def last_lines(log_file: Path, count: int = 5) -> str:
    """The end of a server's log, for the message that it did not start."""
    if not log_file.exists():
        return ""
    return "\n".join(log_file.read_text(errors="replace").splitlines()[-count:])
