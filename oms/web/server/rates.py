"""How much each caller may ask: requests and cost a second, tries to sign in. Counted by all web processes together.

Asking Redis for each request would cost more than many of them do. So a process takes permits in leases of several,
and spends them by itself: a lease begins with what is asked first and doubles each time it is spent, up to a tenth of
what is allowed in a second.
"""

import asyncio
import hashlib
import ipaddress
import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from graphql import GraphQLError
from limits import RateLimitItem, parse_many
from starlette.requests import HTTPConnection

from oms.domain.access.permissions import Viewer
from oms.domain.identity.accounts import normalized_login
from oms.platform.settings import Settings
from oms.web.graphql.errors import ErrorCode, RequestRefused
from oms.web.server.shared_counts import SharedCounts

_WINDOW_S: Final = 1
_REMEMBERED: Final = 20_000
"""Callers whose leases a process keeps; whom it forgets loses the permits not spent, nothing else."""

_LARGEST_SHARE: Final = 10
_IPV6_NETWORK: Final = 64
"""Bits that tell one site from another: whoever has one IPv6 address has all of its network."""


class RateLimited(RequestRefused):
    """Too much was asked; HTTP 429. What time mends says when: in the message, and in whole seconds in Retry-After."""

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        headers = {}
        if wait_s is not None:
            seconds = max(1, math.ceil(wait_s))
            headers["Retry-After"] = str(seconds)
            message = f"{message} Try again in {_in_words(seconds)}."
        super().__init__(429, ErrorCode.RATE_LIMITED, message, headers=headers)


class OperationRateLimited(GraphQLError):
    """RateLimited on its way through GraphQL; the door gives the `refusal` where it ended the whole operation."""

    def __init__(self, refusal: RateLimited) -> None:
        super().__init__(refusal.message, extensions={"code": str(refusal.code)})
        self.refusal = refusal


class Rates:
    """The rates of one web process; see `docs/guides/transport.md`, "Rates"."""

    def __init__(
        self, settings: Settings, counts: SharedCounts, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._counts = counts
        self._clock = clock
        self._leases: OrderedDict[str, _Lease] = OrderedDict()
        self._per_machine = settings.machine_requests_per_s
        self._per_person = settings.person_requests_per_s
        self._per_stranger = settings.stranger_requests_per_s
        self._cost_per_machine = settings.machine_cost_per_s
        self._cost_per_person = settings.person_cost_per_s
        self._open: Counter[str] = Counter()
        self._open_per_machine = settings.machine_subscriptions
        self._open_per_person = settings.person_subscriptions
        self._sign_ins = parse_many(settings.sign_in_rate)
        self._sign_ins_from_address = parse_many(settings.sign_in_rate_from_address)

    async def caller(self, viewer: Viewer) -> None:
        """Counts a request of somebody known. Raises RateLimited."""
        limit = self._per_person if viewer.is_person else self._per_machine
        await self._spend(viewer.principal, limit, f"You may send {limit} requests a second.")

    async def cost(self, viewer: Viewer, cost: int) -> None:
        """Counts what an operation costs, before it is executed. Raises OperationRateLimited.

        Not counted is what is so cheap that all requests of a second together could not come to more than is allowed.
        What costs more than that takes a whole second's.
        """
        requests = self._per_person if viewer.is_person else self._per_machine
        limit = self._cost_per_person if viewer.is_person else self._cost_per_machine
        if requests and cost * requests <= limit:
            return
        message = f"This costs {cost}; you may spend {limit} a second."
        try:
            await self._spend(f"cost:{viewer.principal}", limit, message, permits=min(cost, limit))
        except RateLimited as refusal:
            raise OperationRateLimited(refusal) from refusal

    async def stranger(self, address: str) -> None:
        """Counts a request without credentials, or with bad ones, by where it comes from. Raises RateLimited."""
        limit = self._per_stranger
        await self._spend(f"from:{address}", limit, f"Without signing in, {limit} requests a second are answered.")

    def require_room(self, address: str) -> None:
        """Raises RateLimited while the strangers of that address have used up what they may; asks nobody."""
        lease = self._leases.get(f"from:{address}")
        if lease and lease.closed_until_s > self._clock():
            raise RateLimited("Too much came from your address.", lease.closed_until_s - self._clock())

    @contextmanager
    def subscription(self, viewer: Viewer) -> Iterator[None]:
        """Counts as open in this process while the block runs. Raises RateLimited."""
        limit = self._open_per_person if viewer.is_person else self._open_per_machine
        principal = viewer.principal
        if self._open[principal] >= limit:
            raise RateLimited(f"You have {limit} subscriptions open, as many as you may: end one of them first.")
        self._open[principal] += 1
        try:
            yield
        finally:
            self._open[principal] -= 1
            if not self._open[principal]:
                del self._open[principal]

    async def sign_in(self, login: str, address: str) -> None:
        """Counts a try to sign in, whether there is such a login or not. Raises RateLimited, before anything is tried.

        By address first: who has tried too much from one place no longer uses up what the login's owner may.
        """
        await self.sign_in_from(address)
        tried = hashlib.sha256(normalized_login(login).encode("utf-8", "surrogatepass")).hexdigest()
        await self._try(self._sign_ins, f"sign-in:{tried}")

    async def sign_in_from(self, address: str) -> None:
        """Counts a try to sign in as somebody who is not known yet. Raises RateLimited."""
        await self._try(self._sign_ins_from_address, f"sign-in:from:{address}")

    async def password(self, viewer: Viewer) -> None:
        """Counts a try of who is signed in to name the present password. Raises OperationRateLimited."""
        try:
            await self._try(self._sign_ins, f"password:{viewer.principal}")
        except RateLimited as refusal:
            raise OperationRateLimited(refusal) from refusal

    async def _try(self, rates: list[RateLimitItem], key: str) -> None:
        for rate in rates:
            if wait_s := await self._counts.wait_s(rate, key):
                raise RateLimited("There were too many tries to sign in, or of a password.", wait_s)

    async def _spend(self, key: str, limit: int, message: str, *, permits: int = 1) -> None:
        """Takes permits of a lease, which is renewed where it has too few or has run out. 0: there is no limit."""
        if not limit:
            return
        lease = self._lease(key)
        if lease.spent(permits, self._clock()):
            return
        async with lease.renewing:
            if lease.spent(permits, self._clock()):
                return
            if lease.closed_until_s <= self._clock():
                await self._renew(lease, key, permits, limit)
                if lease.spent(permits, self._clock()):
                    return
        raise RateLimited(message, lease.closed_until_s - self._clock())

    async def _renew(self, lease: "_Lease", key: str, permits: int, limit: int) -> None:
        """Adds to what is left of the lease as much as is to be had, and closes it where that is too little."""
        began_s = self._clock()
        left = lease.left if lease.until_s > began_s else 0
        wanted = lease.wanted(permits, permits - left, limit)
        counted = await self._counts.add(key, wanted, window_s=_WINDOW_S)
        granted = max(0, min(wanted, limit - (counted - wanted)))
        lease.begin(left + granted, until_s=began_s + _WINDOW_S)
        if left + granted < permits:
            lease.closed_until_s = self._clock() + _WINDOW_S

    def _lease(self, key: str) -> "_Lease":
        lease = self._leases.get(key)
        if lease is None:
            lease = self._leases[key] = _Lease()
            if len(self._leases) > _REMEMBERED:
                self._leases.popitem(last=False)
        return lease


@dataclass(slots=True)
class _Lease:
    """Permits that one process may spend for one caller, until a moment; while `closed` no more are to be had."""

    left: int = 0
    size: int = 0
    until_s: float = 0.0
    closed_until_s: float = 0.0
    renewing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def spent(self, permits: int, now_s: float) -> bool:
        """Whether so many were there; they are used up then."""
        if self.left < permits or self.until_s <= now_s:
            return False
        self.left -= permits
        return True

    def wanted(self, permits: int, lacking: int, limit: int) -> int:
        """What is lacking at least; else twice as many as last time where those did not do, or as many as were used."""
        more = self.size * 2 if self.left < permits else self.size - self.left
        return max(lacking, min(more, limit // _LARGEST_SHARE))

    def begin(self, permits: int, *, until_s: float) -> None:
        self.left = self.size = permits
        self.until_s = until_s


def address_of(connection: HTTPConnection) -> str:
    """Where it comes from: the socket's peer, or whom a trusted proxy names. Of an IPv6 address its network."""
    client = connection.scope.get("client")
    return _counted_as(client[0]) if client else "unknown"


@lru_cache(maxsize=1024)  # few hosts send most requests, and reading an address costs 3 µs
def _counted_as(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host  # a Unix socket has no address
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, _IPV6_NETWORK), strict=False))
    return str(address)


def _in_words(seconds: int) -> str:
    if seconds < 120:
        return "a second" if seconds == 1 else f"{seconds} seconds"
    return f"{math.ceil(seconds / 60)} minutes"
