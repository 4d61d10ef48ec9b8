"""One web process: uvicorn around the application."""

import gc
import socket
from collections.abc import Sequence

import uvicorn
from starlette.applications import Starlette

from oms.app import create_app
from oms.platform.listening import listen
from oms.platform.migrations import require_ready
from oms.platform.settings import CannotStart, Settings
from oms.web.graphql.request import LONGEST_REQUEST_BYTES
from oms.web.live.open_streams import OpenStreams
from oms.web.server.connection import PunctualConnection

_GRACE_S = 5


class StreamEndingServer(uvicorn.Server):
    """uvicorn's, which waits for every answer under way; live ones end only when they are told to."""

    def __init__(self, app: Starlette, *, trusted_proxies: Sequence[str] = ()) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="uvloop",
                http=PunctualConnection,
                log_config=None,
                access_log=False,
                server_header=False,
                ws_max_size=LONGEST_REQUEST_BYTES,
                ws_per_message_deflate=False,  # a few KiB would swell to that size before we count anything
                proxy_headers=bool(trusted_proxies),  # a layer less where there are none
                forwarded_allow_ips=list(trusted_proxies),
                timeout_graceful_shutdown=_GRACE_S,
            )
        )
        self._streams: OpenStreams = app.state.streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._streams.end_all()
        await super().shutdown(sockets)


def serve(settings: Settings, database_url: str, *, fd: int | None) -> None:
    """Serve until SIGTERM or SIGINT, on the inherited listening socket `fd` or on OMS_HOST and OMS_PORT.

    Raises: CannotStart if the port is taken, or the database unreachable or not migrated.
    """
    require_ready(database_url)
    listening = socket.socket(fileno=fd) if fd else listen(settings.host, settings.port, variable="OMS_PORT")
    server = StreamEndingServer(create_app(), trusted_proxies=settings.trusted_proxies)
    gc.freeze()  # the schema's tens of thousands of objects stay: no collection need walk them
    with listening:
        server.run(sockets=[listening])
    if not server.started:
        raise CannotStart("The web server could not start; its own message stands above.")
