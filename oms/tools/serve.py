"""One web process: uvicorn around the application."""

import gc
import socket
from collections.abc import Sequence
from functools import partial

import uvicorn
from starlette.applications import Starlette

from oms.app import build_app
from oms.platform.listening import listen
from oms.platform.migrations import require_ready
from oms.platform.settings import CannotStart, Settings, load_settings
from oms.schema.schema import schema
from oms.tools.dev_services.instance import located
from oms.web.graphql.request import MAX_REQUEST_BYTES
from oms.web.live.open_streams import OpenStreams
from oms.web.server.connections.http import LimitedConnection
from oms.web.server.connections.websocket import LimitedWebSocket

_SHUTDOWN_TIMEOUT_S = 5


class StreamEndingServer(uvicorn.Server):
    """Ends open streams before it stops: uvicorn waits for responses to finish, and those of streams never do."""

    def __init__(self, app: Starlette, *, trusted_proxies: Sequence[str] = ()) -> None:
        bounds = {"malformed": app.state.malformed, "unread": app.state.unread}
        super().__init__(
            uvicorn.Config(
                app,
                loop="uvloop",
                http=partial(LimitedConnection, **bounds),  # type: ignore[arg-type]  # uvicorn calls it, and nothing else
                ws=partial(LimitedWebSocket, **bounds),  # type: ignore[arg-type]  # as above
                log_config=None,
                access_log=False,
                server_header=False,
                ws_max_size=MAX_REQUEST_BYTES,
                ws_per_message_deflate=False,  # a few compressed KiB could inflate to the maximum before any check
                proxy_headers=bool(trusted_proxies),  # saves a middleware where there are none
                forwarded_allow_ips=list(trusted_proxies),
                timeout_graceful_shutdown=_SHUTDOWN_TIMEOUT_S,
            )
        )
        self._streams: OpenStreams = app.state.streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._streams.end_all()
        await super().shutdown(sockets)


def create_app() -> Starlette:
    """The application with the environment's settings. Raises CannotStart if no database or Redis is found."""
    return build_app(located(load_settings()), schema)


def serve(settings: Settings, database_url: str, *, fd: int | None) -> None:
    """Serve until SIGTERM or SIGINT, on the inherited listening socket `fd` or on OMS_HOST and OMS_PORT.

    Raises: CannotStart if the port is taken, or the database is unreachable or not migrated.
    """
    require_ready(database_url)
    listening = socket.socket(fileno=fd) if fd else listen(settings.host, settings.port, variable="OMS_PORT")
    server = StreamEndingServer(create_app(), trusted_proxies=settings.trusted_proxies)
    gc.freeze()  # the schema's tens of thousands of objects live for ever: exclude them from collections
    with listening:
        server.run(sockets=[listening])
    if not server.started:
        raise CannotStart("The web server could not start; its own message stands above.")
