"""/.well-known/security.txt: whom to tell about a vulnerability. Source: RFC 9116."""

from datetime import UTC, date, datetime, time
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from oms.platform.settings import Settings

ADDRESS: Final = "/.well-known/security.txt"


def security_txt_routes(settings: Settings) -> list[BaseRoute]:
    """None without a contact: the address is unknown then."""
    if not (settings.security_contact and settings.security_contact_until):
        return []
    text = security_txt(settings.security_contact, settings.security_contact_until)

    async def show(_request: Request) -> Response:
        return PlainTextResponse(text)

    return [Route(ADDRESS, show)]


def security_txt(contact: str, until: date) -> str:
    """Valid to the end of the day, UTC."""
    expires = datetime.combine(until, time(23, 59, 59), UTC)
    return f"Contact: {contact}\nExpires: {expires:%Y-%m-%dT%H:%M:%SZ}\nPreferred-Languages: en\n"
