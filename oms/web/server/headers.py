"""What every answer tells the browser: pages, API, files, streams, and refusals of any of them."""

from collections.abc import Mapping
from typing import Final

Header = tuple[bytes, bytes]

_NOTHING: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

_ALWAYS: Final = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        f"{feature}=()"
        for feature in (
            "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "geolocation", "gyroscope",
            "magnetometer", "microphone", "midi", "payment", "usb",
        )
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",  # frame-ancestors, for browsers that do not know it
}  # fmt: skip

_UNLESS_TOLD: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _NOTHING,  # what is no page has no business with anything
    "Referrer-Policy": "same-origin",
}

_A_YEAR_OF_HTTPS: Final = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}


class SafeHeaders:
    """Adds them. The demo is read over plain HTTP, so it does not ask for `https`; browsers would remember that."""

    def __init__(self, *, https: bool) -> None:
        self._always = _raw(_ALWAYS | (_A_YEAR_OF_HTTPS if https else {}))
        self._unless_told = _raw(_UNLESS_TOLD)

    def beside(self, told: Mapping[bytes, bytes]) -> list[Header]:
        """What goes with an answer whose own headers are those that were `told`."""
        return [*self._always, *(header for header in self._unless_told if header[0] not in told)]


def _raw(headers: Mapping[str, str]) -> tuple[Header, ...]:
    """As ASGI has them; made once, for they go with every answer."""
    return tuple((name.lower().encode("ascii"), value.encode("ascii")) for name, value in headers.items())
