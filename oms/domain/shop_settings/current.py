"""The shop as a process knows it, so that no request pays for reading the settings.

A change is seen at once by the process that made it, and within a second by the others: each reads one row a second.
"""

import asyncio
from typing import Final

import structlog

from oms.domain.pictures.model import Picture
from oms.domain.shop_settings import store
from oms.domain.shop_settings.model import Shop
from oms.platform.db import Database
from oms.platform.faults.outages import is_outage

log = structlog.get_logger(__name__)

READ_EVERY_S: Final = 1.0


class CurrentShop:
    """`default`: what holds where managers have chosen nothing. `now`: what was read last; at first the default."""

    def __init__(self, db: Database, default: Shop) -> None:
        self._db = db
        self.default = default
        self.now = default
        self.logo: Picture | None = None

    async def read(self) -> None:
        now = (await store.read(self._db)).over(self.default)
        if now.logo != self.now.logo:
            self.logo = await store.logo(self._db)
        self.now = now

    async def begin(self) -> None:
        """The first read, before anything is served; without a database the default holds until follow() reads."""
        await self._read_if_possible()

    async def follow(self) -> None:
        """Reads until cancelled. During an outage of the database, what was read last holds."""
        while True:
            await asyncio.sleep(READ_EVERY_S)
            await self._read_if_possible()

    async def _read_if_possible(self) -> None:
        try:
            async with asyncio.timeout(READ_EVERY_S):
                await self.read()
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("The settings of the shop wait for the database", error=repr(error))
