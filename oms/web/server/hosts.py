"""Host names this server answers to. Another site can point its own name at this server (DNS rebinding), and its
pages would then count as same-origin; so requests with any other Host are refused.
"""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

_CACHED_HOSTS: Final = 256
_MAX_CACHED_LENGTH: Final = 300
"""DNS names have at most 253 characters."""

_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^\s:@/\[\]]+)(:[0-9]*)?")


class AllowedHosts:
    """Allows the configured names, localhost, and IP addresses, which no other site's name can stand for."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset({"localhost", *names})
        self._cached = lru_cache(maxsize=_CACHED_HOSTS)(
            self._is_allowed
        )  # callers repeat few names; a check takes 2 µs

    def allow(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether a request with these headers may be answered."""
        for name, value in headers:
            if name == b"host":
                return self._cached(value) if len(value) <= _MAX_CACHED_LENGTH else self._is_allowed(value)
        return self._is_allowed(None)

    def _is_allowed(self, host: bytes | None) -> bool:
        return is_allowed_host(None if host is None else host.decode("latin-1"), self._names)


def is_allowed_host(host: str | None, names: Collection[str]) -> bool:
    """Whether a Host header is an address or one of the names. Browsers always send one, so None is allowed."""
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
