"""The names this server answers by. A page of another site can make its own name lead here (DNS rebinding) and would
then pass for ours; by a name that is not ours nobody is answered.
"""

import re
from collections.abc import Collection
from ipaddress import ip_address
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from oms.web.graphql_errors import invalid
from oms.web.graphql_http import refusal_response

_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^\s:@/\[\]]+)(:[0-9]*)?")


class OwnHosts:
    """Lets in what asks for one of the names, for localhost, or for an address, which nobody's name can stand for."""

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self._app = app
        self._names = frozenset({"localhost", *names})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and not is_own_host(Headers(scope=scope).get("host"), self._names):
            refusal = invalid("Nothing answers here by this name. If it is yours, set OMS_ALLOWED_HOSTS.", status=421)
            await refusal_response(refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def is_own_host(host: str | None, names: Collection[str]) -> bool:
    """Whether a Host header is an address or one of the names. None is no browser, so nobody is deceived."""
    if host is None:
        return True
    parts = _HOST.fullmatch(host.lower())
    if parts is None:
        return False
    name = parts[1].rstrip(".")
    return name in names or _is_address(name.strip("[]"))


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
