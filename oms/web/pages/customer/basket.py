"""The basket of a browser: chosen quantities by SKU, in a cookie, so that it outlasts a session that ends.

It is not signed: it holds only what its owner may enter into the form anyway, and is checked like the form. It is
bounded, and ends with the browser, when an order is placed, and on signing out.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

_MAX_BYTES: Final = 3_000
"""Browsers keep cookies of 4 KB. Of a larger basket the first items are kept."""

_MAX_TEXT: Final = 100


@dataclass(frozen=True, slots=True)
class BasketCookie:
    """Like the session's cookie: except in demo mode it is `secure`, and sent to this host only."""

    secure: bool

    @property
    def name(self) -> str:
        return "__Host-oms_basket" if self.secure else "oms_basket"

    def read(self, request: Request) -> dict[str, str]:
        """Entered quantities by SKU; nothing from a malformed cookie."""
        value = request.cookies.get(self.name, "")
        if not value or len(value) > 2 * _MAX_BYTES:
            return {}
        try:
            found: Any = orjson.loads(base64.urlsafe_b64decode(value))
        except ValueError:
            return {}
        return {sku: text for sku, text in found.items() if _is_entry(text)} if isinstance(found, dict) else {}

    def put(self, response: Response, chosen: Mapping[str, str]) -> None:
        """Replaces what was kept before."""
        if not chosen:
            self.remove(response)
            return
        kept = {sku: text for sku, text in chosen.items() if _is_entry(text) and len(sku) <= _MAX_TEXT}
        while len(text := orjson.dumps(kept)) > _MAX_BYTES:
            kept.popitem()
        value = base64.urlsafe_b64encode(text).decode("ascii")
        response.set_cookie(self.name, value, httponly=True, samesite="lax", secure=self.secure)

    def remove(self, response: Response) -> None:
        response.delete_cookie(self.name, httponly=True, samesite="lax", secure=self.secure)


def _is_entry(text: object) -> bool:
    return isinstance(text, str) and len(text) <= _MAX_TEXT
