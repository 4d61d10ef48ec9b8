"""The demo's load generator: orders at a rate, for some minutes, placed and carried through the API like any other.

It runs in the web process that was asked to begin. What it orders stands on a shelf of its own, so that the
catalogue's stock stays as people left it.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import structlog

from oms.domain.access.permissions import Viewer
from oms.domain.vocabulary.actor import Role
from oms.web.live.open_streams import OpenStreams
from oms.web.pages.site import NotAllowed, Site

log = structlog.get_logger(__name__)

MAX_PER_SECOND: Final = 20
MAX_MINUTES: Final = 10
CARRY_EVERY_S: Final = 1.0

_CART: Final = Viewer("demo load", Role.SERVICE)
_COURIER: Final = Viewer("demo load", Role.COURIER)
_SHELF: Final = "LOAD"
_UNITS: Final = 1_000_000
_SKUS: Final = tuple(f"LOAD-{number}" for number in range(1, 6))
_CUSTOMERS: Final = 50


@dataclass
class Load:
    """One run: what was asked for, and what came of it so far."""

    per_second: int
    minutes: int
    carries: bool
    begun_at: datetime
    ends_at: datetime
    ended_at: datetime | None = None
    placed: int = 0
    delivered: int = 0
    refused: int = 0
    last_problem: str = ""
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def reached_per_second(self) -> float:
        """Orders placed per second so far."""
        seconds = ((self.ended_at or datetime.now(UTC)) - self.begun_at).total_seconds()
        return self.placed / max(seconds, 1.0)


class LoadGenerator:
    """At most one run at a time. `load` is the present or the last one."""

    def __init__(self, site: Site, streams: OpenStreams) -> None:
        self._site = site
        self._streams = streams
        self._task: asyncio.Task[None] | None = None
        self.load: Load | None = None

    @property
    def runs(self) -> bool:
        return self._task is not None and not self._task.done()

    def begin(self, *, per_second: int, minutes: int, carries: bool) -> bool:
        """Whether it began: not while a run is on. Raises NotAllowed outside demo mode, ValueError out of bounds."""
        if not self._site.demo:
            raise NotAllowed(404, "There is a load generator in demo mode only.")
        if not (1 <= per_second <= MAX_PER_SECOND and 1 <= minutes <= MAX_MINUTES):
            raise ValueError("rate or time is out of bounds")
        if self.runs:
            return False
        now = datetime.now(UTC)
        self.load = Load(per_second, minutes, carries, begun_at=now, ends_at=now + timedelta(minutes=minutes))
        self._task = asyncio.create_task(self._run(self.load))
        return True

    async def end(self) -> None:
        """Returns when nothing is sent any more."""
        if self.load and self._task:
            self.load.stop.set()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, load: Load) -> None:
        """Ends when its time is up, when it is stopped, or with the server."""
        try:
            with self._streams.open(load.stop.set):
                await self._fill_shelf()
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._place_orders(load))
                    if load.carries:
                        both.create_task(self._carry(load))
        except Exception as error:  # nobody awaits it: told on the page, and whole in the log
            load.last_problem = "It stopped because of a fault; the log has it."
            log.error("The load generator stopped", exc_info=error)
        finally:
            load.ended_at = datetime.now(UTC)

    async def _fill_shelf(self) -> None:
        warehouse = {"code": _SHELF, "name": "Load generator"}
        products = [{"sku": sku, "name": f"Load generator, article {sku[-1]}", "unitPrice": 1_000} for sku in _SKUS]
        stock = [{"sku": sku, "warehouseCode": _SHELF, "onHand": _UNITS} for sku in _SKUS]
        await self._act(_CART, "manager/set_warehouses", {"inputs": [warehouse]})
        await self._act(_CART, "manager/set_products", {"inputs": products})
        await self._act(_CART, "manager/set_stock", {"inputs": stock})

    async def _place_orders(self, load: Load) -> None:
        """One after the other, never more than the rate; behind it where the API takes longer."""
        run, number = secrets.token_hex(4), 0
        clock = asyncio.get_running_loop().time
        next_at_s = clock()
        while not self._over(load):
            number += 1
            order = {
                "reference": f"load-{run}-{number}",
                "customerReference": f"load-{secrets.randbelow(_CUSTOMERS) + 1}",
                "lines": [{"sku": secrets.choice(_SKUS), "quantity": secrets.randbelow(3) + 1}],
            }
            await self._try(load, partial(self._place, load, order))
            next_at_s = max(next_at_s + 1 / load.per_second, clock())
            await _pause(load, next_at_s - clock())

    async def _place(self, load: Load, order: dict[str, Any]) -> None:
        await self._act(_CART, "manager/place_order", {"input": order})
        load.placed += 1

    async def _act(self, viewer: Viewer, name: str, variables: dict[str, Any]) -> None:
        """Raises NotAllowed whatever the refusal is about: there is no form to show it beside."""
        _, refusals = await self._site.act(viewer, name, variables)
        if refusals.errors:
            raise NotAllowed(422, refusals.all[0])

    async def _carry(self, load: Load) -> None:
        """Picks up and hands over what leaves from its own shelf."""
        while not self._over(load):
            await self._try(load, partial(self._carry_all, load))
            await _pause(load, CARRY_EVERY_S)

    async def _carry_all(self, load: Load) -> None:
        data = await self._site.query(_COURIER, "manager/load_shipments", {"warehouse": _SHELF})
        for shipment in data["shipments"]["nodes"]:
            if self._over(load):
                return
            if shipment["viewerCanDispatch"]:
                await self._act(_COURIER, "manager/dispatch", {"id": shipment["id"]})
            await self._act(_COURIER, "manager/deliver", {"id": shipment["id"]})
            load.delivered += 1

    async def _try(self, load: Load, act: Callable[[], Awaitable[None]]) -> None:
        """What is refused is counted and told; an outage is waited out."""
        try:
            await act()
        except NotAllowed as problem:
            load.refused += 1
            load.last_problem = problem.message
            if problem.status >= 500:
                await _pause(load, 1.0)

    def _over(self, load: Load) -> bool:
        return load.stop.is_set() or datetime.now(UTC) >= load.ends_at


async def _pause(load: Load, seconds: float) -> None:
    """Until the time has passed or the run is stopped."""
    try:
        async with asyncio.timeout(max(seconds, 0)):
            await load.stop.wait()
    except TimeoutError:
        return
