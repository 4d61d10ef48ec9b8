"""One web process: uvicorn around the application."""

import socket

import uvicorn

from oms.database_version import require_migrated
from oms.listening import listen
from oms.settings import CannotStart, Settings

_GRACE_S = 5  # for requests under way; live streams would never end by themselves


def serve(settings: Settings, database_url: str, *, fd: int | None) -> None:
    """Serve until SIGTERM or SIGINT, on the inherited listening socket `fd` or on OMS_HOST and OMS_PORT.

    Raises: CannotStart if the port is taken, or the database unreachable or not migrated.
    """
    require_migrated(database_url)
    listening = socket.socket(fileno=fd) if fd else listen(settings.host, settings.port, variable="OMS_PORT")
    server = uvicorn.Server(
        uvicorn.Config(
            "oms.app:create_app",
            factory=True,
            loop="uvloop",
            http="httptools",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
        )
    )
    with listening:
        server.run(sockets=[listening])
    if not server.started:
        raise CannotStart("The web server could not start; its own message stands above.")
