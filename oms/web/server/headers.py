"""Security headers of every response: pages, API, files, streams and errors."""

from collections.abc import Mapping
from typing import Final

Header = tuple[bytes, bytes]

_NO_CONTENT_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

_ALWAYS: Final = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        ["camera=(self)"]  # couriers scan labels
        + [f"{feature}=()" for feature in (
            "accelerometer", "autoplay", "display-capture", "encrypted-media", "geolocation", "gyroscope",
            "magnetometer", "microphone", "midi", "payment", "usb",
        )]
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # frame-ancestors, for browsers that do not know it
}  # fmt: skip

_DEFAULTS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _NO_CONTENT_POLICY,  # pages set their own
    "Referrer-Policy": "same-origin",
}

_HSTS: Final = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}


class SecurityHeaders:
    """The headers to add. Not `https` in demo mode, which uses plain HTTP: browsers would remember HSTS for a year."""

    def __init__(self, *, https: bool) -> None:
        self._always = _encoded(_ALWAYS | (_HSTS if https else {}))
        self._defaults = _encoded(_DEFAULTS)

    def missing_from(self, headers: Mapping[bytes, bytes]) -> list[Header]:
        """What to add to a response that has these `headers`, which override the defaults."""
        return [*self._always, *(default for default in self._defaults if default[0] not in headers)]


def _encoded(headers: Mapping[str, str]) -> tuple[Header, ...]:
    return tuple((name.lower().encode("ascii"), value.encode("ascii")) for name, value in headers.items())
