"""The names this server answers by. A page of another site can make its own name lead here (DNS rebinding) and would
then pass for ours; by a name that is not ours nobody is answered.
"""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

_REMEMBERED: Final = 256
_LONGEST: Final = 300
"""Of names that are remembered: DNS has none of more than 253 characters."""

_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^\s:@/\[\]]+)(:[0-9]*)?")


class OwnHosts:
    """Knows whether one of the names was asked for, or localhost, or an address, which nobody's name can stand for."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset({"localhost", *names})
        # Callers ask by few names again and again, and looking at one of them costs 2 µs.
        self._judged = lru_cache(maxsize=_REMEMBERED)(self._judge)

    def include(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether the Host among a request's headers is of them."""
        for name, value in headers:
            if name == b"host":
                return self._judged(value) if len(value) <= _LONGEST else self._judge(value)
        return self._judge(None)

    def _judge(self, host: bytes | None) -> bool:
        return is_own_host(None if host is None else host.decode("latin-1"), self._names)


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
