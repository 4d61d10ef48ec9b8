"""Rate limits of each caller: requests and cost per second, sign-in attempts. Counted by all web processes together.

Asking Redis for each request would cost more than many requests do. So a process takes permits in leases of several
and spends them locally. A lease starts with what the first request needs and doubles each time it is used up, to at
most a tenth of a second's permits.
"""

import asyncio
import hashlib
import ipaddress
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from weakref import WeakValueDictionary

from cachetools import LRUCache
from graphql import GraphQLError
from limits import RateLimitItem, RateLimitItemPerMinute, parse_many
from starlette.requests import HTTPConnection

from oms.domain.access.permissions import Viewer
from oms.domain.identity.accounts import LOGIN_LENGTH, normalized_login
from oms.platform.locale.language import gettext, ngettext
from oms.platform.settings import Settings
from oms.web.errors.codes import ErrorCode
from oms.web.errors.refusals import RequestRefused
from oms.web.server.shared_counters import SharedCounters

_WINDOW_S: Final = 1
_MAX_LEASES: Final = 20_000
"""Callers whose leases a process keeps; one that drops out loses its unspent permits, nothing else."""

_LARGEST_SHARE: Final = 10
_IPV6_NETWORK: Final = 64
"""A client with one IPv6 address usually has the whole network of this prefix."""


QUERIES_AT_ONCE: Final = 3
"""Of one person in one process. Each may read an order of 2,000 lines, whose rows take 10 ms before it can pause."""


class RateLimited(RequestRefused):
    """Too many requests. If waiting helps, the message and Retry-After (whole seconds) say how long."""

    def __init__(self, message: str, wait_s: float | None = None, *, known_browser: bool = False) -> None:
        """`known_browser`: in a browser in which the person has signed in before, there is no need to wait."""
        headers = {}
        if wait_s is not None:
            seconds = max(1, math.ceil(wait_s))
            headers["Retry-After"] = str(seconds)
            again = (
                gettext("Try again in {duration}, or now in a browser in which you have signed in before.")
                if known_browser
                else gettext("Try again in {duration}.")
            )
            message = f"{message} {again.format(duration=_duration(seconds))}"
        super().__init__(ErrorCode.RATE_LIMITED, message, headers=headers)


class RateLimitedError(GraphQLError):
    """Carries a RateLimited `refusal` through GraphQL, for refusing the whole operation."""

    def __init__(self, refusal: RateLimited) -> None:
        super().__init__(refusal.message, extensions={"code": str(refusal.code)})
        self.refusal = refusal


class RateLimits:
    """The limits as one web process applies them; see docs/guides/transport.md."""

    def __init__(
        self, settings: Settings, counters: SharedCounters, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._counters = counters
        self._clock = clock
        self._leases: LRUCache[str, _Lease] = LRUCache(_MAX_LEASES)
        self._per_machine = settings.machine_requests_per_s
        self._per_person = settings.person_requests_per_s
        self._per_anonymous = settings.stranger_requests_per_s
        self._cost_per_machine = settings.machine_cost_per_s
        self._cost_per_person = settings.person_cost_per_s
        self._open: Counter[str] = Counter()
        self._queries: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._open_per_machine = settings.machine_subscriptions
        self._open_per_person = settings.person_subscriptions
        self._sign_ins = parse_many(settings.sign_in_rate)
        self._failures = settings.courier_failures_per_minute
        self._placings = settings.customer_orders_per_minute
        self._sign_ins_from_address = parse_many(settings.sign_in_rate_from_address)

    async def count_request(self, viewer: Viewer) -> None:
        """A request of an authenticated caller. Raises RateLimited."""
        limit = self._per_person if viewer.is_person else self._per_machine
        await self._spend(viewer.principal, limit, f"You may send {limit} requests a second.")

    async def count_cost(self, viewer: Viewer, cost: int) -> None:
        """An operation's cost, before its execution. Raises RateLimitedError.

        An operation so cheap that a second's requests could not exceed the limit is not counted. One that costs more
        than the limit takes a whole second's permits.
        """
        requests = self._per_person if viewer.is_person else self._per_machine
        limit = self._cost_per_person if viewer.is_person else self._cost_per_machine
        if requests and cost * requests <= limit:
            return
        message = gettext("This costs {cost}; you may spend {limit} a second.").format(cost=cost, limit=limit)
        try:
            await self._spend(f"cost:{viewer.principal}", limit, message, permits=min(cost, limit))
        except RateLimited as refusal:
            raise RateLimitedError(refusal) from refusal

    async def count_anonymous(self, address: str) -> None:
        """A request without valid credentials, by its address. Raises RateLimited."""
        limit = self._per_anonymous
        await self._spend(f"from:{address}", limit, f"Without signing in, {limit} requests a second are answered.")

    @contextmanager
    def subscription(self, viewer: Viewer) -> Iterator[None]:
        """Counts as open in this process while the block runs. Raises RateLimited."""
        limit = self._open_per_person if viewer.is_person else self._open_per_machine
        principal = viewer.principal
        if self._open[principal] >= limit:
            message = gettext("You have {limit} subscriptions open, which is the maximum: end one of them first.")
            raise RateLimited(message.format(limit=limit))
        self._open[principal] += 1
        try:
            yield
        finally:
            self._open[principal] -= 1
            if not self._open[principal]:
                del self._open[principal]

    def queries_of(self, viewer: Viewer) -> asyncio.Semaphore:
        """Held while a query of this person runs: further ones of the same person wait, and not those of others."""
        queries = self._queries.get(viewer.principal)
        if queries is None:
            queries = self._queries[viewer.principal] = asyncio.Semaphore(QUERIES_AT_ONCE)
        return queries

    async def count_sign_in(self, login: str, address: str) -> None:
        """An attempt to sign in, whether the login exists or not. Raises RateLimited.

        By address first: attempts beyond the address's limit do not use up the attempts of the login's owner.
        """
        await self.count_sign_in_from(address)
        if len(login) > LOGIN_LENGTH:
            return  # nobody's: there are no attempts of an owner to count
        login_digest = hashlib.sha256(normalized_login(login).encode("utf-8", "surrogatepass")).hexdigest()
        await self._attempt(self._sign_ins, f"sign-in:{login_digest}", known_browser=True)

    async def count_sign_in_of_device(self, device: bytes) -> None:
        """An attempt from a browser in which the login's owner has signed in before. Raises RateLimited.

        Only these count: whatever strangers try, with this login or from this address, the owner can sign in.
        """
        await self._attempt(self._sign_ins, f"sign-in:device:{device.hex()}")

    async def count_sign_in_from(self, address: str) -> None:
        """An attempt to sign in whose login is not known yet. Raises RateLimited."""
        await self._attempt(self._sign_ins_from_address, f"sign-in:from:{address}", known_browser=True)

    async def count_password(self, viewer: Viewer) -> None:
        """A signed-in viewer's attempt to enter the present password. Raises RateLimitedError."""
        try:
            await self._attempt(self._sign_ins, f"password:{viewer.principal}")
        except RateLimited as refusal:
            raise RateLimitedError(refusal) from refusal

    async def count_placing(self, viewer: Viewer, orders: int) -> None:
        """Orders that a customer places, by whichever account or token. Raises RateLimitedError."""
        await self._count_acts(
            f"place:{viewer.customer_reference}",
            self._placings,
            orders,
            gettext("You may place {limit} orders a minute."),
        )

    async def count_failure(self, viewer: Viewer) -> None:
        """A shipment that a courier reports as failed. Raises RateLimitedError."""
        await self._count_acts(
            f"fail:{viewer.principal}", self._failures, 1, gettext("You may report {limit} failed shipments a minute.")
        )

    async def _count_acts(self, key: str, limit: int, amount: int, allowed: str) -> None:
        """`allowed`: a sentence with a place for the limit, of which 0 is none. Raises RateLimitedError."""
        if not limit:
            return
        if wait_s := await self._counters.wait_s(RateLimitItemPerMinute(limit), key, amount):
            refusal = RateLimited(allowed.format(limit=limit), wait_s)
            raise RateLimitedError(refusal) from refusal

    async def _attempt(self, rates: list[RateLimitItem], key: str, *, known_browser: bool = False) -> None:
        for rate in rates:
            if wait_s := await self._counters.wait_s(rate, key):
                message = gettext("There were too many attempts to sign in, or to enter a password.")
                raise RateLimited(message, wait_s, known_browser=known_browser)

    async def _spend(self, key: str, limit: int, message: str, *, permits: int = 1) -> None:
        """Takes permits of a lease, and renews it if it has too few or has expired. A limit of 0 is none."""
        if not limit:
            return
        lease = self._lease(key)
        if lease.spend(permits, self._clock()):
            return
        async with lease.renewing:
            if lease.spend(permits, self._clock()):
                return
            if lease.closed_until_s <= self._clock() and await self._renew(lease, key, permits, limit):
                return
        raise RateLimited(message, lease.closed_until_s - self._clock())

    async def _renew(self, lease: "_Lease", key: str, permits: int, limit: int) -> bool:
        """Adds as many permits as are available, and takes the `permits`; closes the lease if these are too few.

        They are taken at once, because a renewal that took long has expired when it arrives.
        """
        started_s = self._clock()
        left = lease.left if lease.until_s > started_s else 0
        requested = lease.next_size(permits, permits - left, limit)
        counted = await self._counters.add(key, requested, window_s=_WINDOW_S)
        granted = max(0, min(requested, limit - (counted - requested)))
        lease.refill(left + granted, until_s=started_s + _WINDOW_S)
        if left + granted < permits:
            lease.closed_until_s = self._clock() + _WINDOW_S
            return False
        lease.left -= permits
        return True

    def _lease(self, key: str) -> "_Lease":
        lease = self._leases.get(key)
        if lease is None:
            lease = self._leases[key] = _Lease()
        return lease


@dataclass(slots=True)
class _Lease:
    """Permits that this process may spend for one caller until `until_s`; while closed, no more are available."""

    left: int = 0
    size: int = 0
    until_s: float = 0.0
    closed_until_s: float = 0.0
    renewing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def spend(self, permits: int, now_s: float) -> bool:
        """Whether there were as many; then they are used up."""
        if self.left < permits or self.until_s <= now_s:
            return False
        self.left -= permits
        return True

    def next_size(self, permits: int, lacking: int, limit: int) -> int:
        """At least `lacking`; double the last lease if it ran out, else as many as were used."""
        more = self.size * 2 if self.left < permits else self.size - self.left
        return max(lacking, min(more, limit // _LARGEST_SHARE))

    def refill(self, permits: int, *, until_s: float) -> None:
        self.left = self.size = permits
        self.until_s = until_s


def client_address(connection: HTTPConnection) -> str:
    """The peer's address, or the one that a trusted proxy forwards; of IPv6 the network."""
    client = connection.scope.get("client")
    return _counted_address(client[0]) if client else "unknown"


@lru_cache(maxsize=1024)  # few hosts send most requests, and parsing an address costs 3 µs
def _counted_address(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host  # a Unix socket has no address
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, _IPV6_NETWORK), strict=False))
    return str(address)


def _duration(seconds: int) -> str:
    if seconds < 120:
        return ngettext("a second", "{seconds} seconds", seconds).format(seconds=seconds)
    return gettext("{minutes} minutes").format(minutes=math.ceil(seconds / 60))
