"""Where the sweep happens: engines, a prepared database to copy, and instances of the product on its copies."""

import asyncio
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import asyncpg
from sqlalchemy.engine import make_url

from oms.platform.grants import address_of
from oms.platform.migrations import migrate
from oms.tools.dev_services.embedded import Engines
from oms.tools.dev_services.embedded.ports import free_port
from tests.system.crash_sweep.client import Client
from tests.system.crash_sweep.points import Board
from tests.system.crash_sweep.processes import Kept, Nursery

ROLES: Final = ("SERVICE", "COURIER", "SUPPORT", "MANAGER")
LIMIT_MINOR: Final = 5_000
PRICE_MINOR: Final = 1_000
_UNITS: Final = 1_000_000
_FIRST_REDIS: Final = 2
_COMPLAINTS: Final = 5
_LONG: Final = 1000

_WAREHOUSES: Final = (
    "mutation ($inputs: [WarehouseInput!]!) { upsertWarehouses(inputs: $inputs) { userErrors { message } } }"
)
_PRODUCTS: Final = "mutation ($inputs: [ProductInput!]!) { upsertProducts(inputs: $inputs) { userErrors { message } } }"
_STOCK: Final = "mutation ($inputs: [StockInput!]!) { setStock(inputs: $inputs) { userErrors { message } } }"
_LIMIT: Final = "mutation ($limit: MinorUnits!) { setSpendingLimit(limit: $limit) { userErrors { message } } }"


@dataclass(frozen=True, slots=True)
class Conditions:
    """How an instance is set up: settings of worker and sandbox, and what the worker does not hear."""

    worker: tuple[tuple[str, str], ...] = ()
    sandbox: tuple[tuple[str, str], ...] = ()
    deaf_to: str = ""


class Ground:
    """Engines and the database that every instance starts with: stock in two warehouses, a limit, and tokens."""

    def __init__(self, engines: Engines, folder: Path, nursery: Nursery) -> None:
        self.nursery = nursery
        self.folder = folder
        self.tokens: dict[str, str] = {}
        self._engines = engines
        self._template = f"oms_sweep_{os.getpid()}"
        self._numbers = 0
        self._copies: set[str] = set()
        self._ports: set[int] = set()

    async def __aenter__(self) -> Self:
        await self._on_server(f"CREATE DATABASE {self._template}")
        self._copies.add(self._template)
        await asyncio.to_thread(migrate, _of(self._engines.owner_url, self._template))
        url = _of(self._engines.database_url, self._template)
        environment = self.environment(url, _FIRST_REDIS, self.folder / "template")
        for role in ROLES:
            status, said = await self.nursery.run(
                ["token", "--role", role, "--name", role.lower()], environment, self.folder / f"token-{role}"
            )
            assert status == 0, said
            self.tokens[role] = said.split()[-1]
        await self._stock_up(environment)
        return self

    async def __aexit__(self, *_: object) -> None:
        for name in sorted(self._copies):
            await self._on_server(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def _stock_up(self, environment: Mapping[str, str]) -> None:
        web = Kept(self.nursery, ["web"], environment, self.folder / "template-web.log")
        async with Client(int(environment["OMS_PORT"]), self.tokens, web.keep) as client:
            codes = ("north", "south")
            await client.ask("MANAGER", _WAREHOUSES, inputs=[{"code": code, "name": code} for code in codes])
            skus = ("TEA", "MUG", "RARE")
            products = [{"sku": sku, "name": sku, "unitPrice": PRICE_MINOR, "currency": "USD"} for sku in skus]
            await client.ask("MANAGER", _PRODUCTS, inputs=products)
            levels = [("TEA", "north", _UNITS), ("MUG", "south", _UNITS), ("RARE", "north", 0)]
            counts = [{"sku": sku, "warehouseCode": code, "onHand": units} for sku, code, units in levels]
            await client.ask("MANAGER", _STOCK, inputs=counts)
            await client.ask("MANAGER", _LIMIT, limit=LIMIT_MINOR)
        await web.kill()

    def environment(self, database_url: str, redis_number: int, folder: Path) -> dict[str, str]:
        """Of an instance's processes. A lease is short, and a time-out fits into it twice."""
        folder.mkdir(parents=True, exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
        return kept | {
            "OMS_DATABASE_URL": database_url,
            "OMS_REDIS_URL": _of(self._engines.redis_url, str(redis_number)),
            "OMS_DATA_DIR": str(folder),
            "OMS_PORT": str(self._port()),
            "OMS_SANDBOX_PORT": str(self._port()),
            "OMS_DATABASE_POOL_SIZE": "5",
            "OMS_WORK_LEASE_S": "1.5",
            "OMS_PROVIDER_TIMEOUT_S": "0.6",
            "OMS_AMENDMENT_TIMEOUT_S": "3600",
            "OMS_LOG_LEVEL": "warning",
            "OMS_LOG_FORMAT": "json",
        }

    def _port(self) -> int:
        """One that nobody listens on and no other process of the sweep was given."""
        while (port := free_port(0)) in self._ports:
            continue
        self._ports.add(port)
        return port

    async def instance(self, bug: str = "") -> "Instance":
        """On a database of its own, a copy of the prepared one."""
        self._numbers += 1
        number = self._numbers
        name = f"{self._template}_{number}"
        await self._on_server(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        self._copies.add(name)
        url = _of(self._engines.database_url, name)
        folder = self.folder / f"instance-{number}"
        # Valkey has sixteen numbered databases; the first ones belong to others.
        redis_number = _FIRST_REDIS + number % (16 - _FIRST_REDIS)
        return Instance(self, url, self.environment(url, redis_number, folder), folder, bug)

    async def _on_server(self, statement: str) -> None:
        connection = await asyncpg.connect(address_of(self._engines.owner_url))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def _of(server_url: str, database: str) -> str:
    """The server's URL with another database."""
    return make_url(server_url).set(database=database).render_as_string(hide_password=False)


class Instance:
    """Web, worker and sandbox on one database. `database` is the sweep's own look at it."""

    def __init__(self, ground: Ground, url: str, environment: Mapping[str, str], folder: Path, bug: str) -> None:
        self.folder = folder
        self.url = url
        self.sandbox_log = folder / "sandbox.sqlite"
        self.database: asyncpg.Connection[asyncpg.Record]
        self.client: Client
        self._ground = ground
        self._environment = dict(environment)
        self._bug = bug
        self._conditions: Conditions | None = None
        self._kept: dict[str, Kept] = {}
        self.boards = {process: Board(folder, process) for process in ("web", "worker")}

    async def __aenter__(self) -> Self:
        self.database = await asyncpg.connect(address_of(self.url))
        self.client = Client(int(self._environment["OMS_PORT"]), self._ground.tokens, self.keep)
        await self.client.__aenter__()
        self._kept["web"] = self._process("web")
        return self

    async def __aexit__(self, *_: object) -> None:
        for kept in self._kept.values():
            await kept.kill()
        await self.client.__aexit__()
        await self.database.close()

    async def under(self, conditions: Conditions) -> None:
        """Sets it up like that; what already runs so goes on."""
        if conditions != self._conditions:
            for name in ("worker", "sandbox"):
                if name in self._kept:
                    await self._kept[name].kill()
            providers = {"OMS_PROVIDERS_URL": f"http://127.0.0.1:{self._environment['OMS_SANDBOX_PORT']}"}
            self._kept["sandbox"] = self._process("sandbox", dict(conditions.sandbox))
            self._kept["worker"] = self._process("worker", providers | dict(conditions.worker), conditions.deaf_to)
            self._conditions = conditions
        await self.keep()

    async def renew(self) -> None:
        """Fresh processes: nothing remembered, no statement prepared."""
        for name in ("web", "worker"):
            await self._kept[name].kill()
        await self.keep()

    def _process(self, name: str, settings: Mapping[str, str] | None = None, deaf_to: str = "") -> Kept:
        is_watched = name in self.boards
        return Kept(
            self._ground.nursery,
            [name],
            self._environment | dict(settings or {}),
            self.folder / f"{name}.log",
            board=self.folder if is_watched else None,
            deaf_to=deaf_to,
            bug=self._bug if is_watched else "",
        )

    async def keep(self) -> bool:
        """Whoever was killed is started again; whether anybody was."""
        return any([await kept.keep() for kept in self._kept.values()])

    async def check(self) -> str:
        """`python -m oms check`: empty where every rule holds, else which does not."""
        status, said = await self._ground.nursery.run(["check"], self._environment, self.folder / "check.log")
        assert status >= 0, signal.Signals(-status).name
        return said[max(0, said.find("is violated") - len("Rule 1 ")) :] if status else ""

    def forget_what_was_said(self) -> None:
        for log in self._logs():
            log.write_bytes(b"")

    def said(self) -> str:
        """What its processes complained of; of long lines the ends."""
        lines = [f"{log.stem}: {line}" for log in self._logs() for line in log.read_text().splitlines()[:_COMPLAINTS]]
        return "\n".join(line if len(line) < _LONG else f"{line[:300]} … {line[-700:]}" for line in lines)

    def _logs(self) -> list[Path]:
        return [kept.log for kept in self._kept.values() if kept.log.exists()]

    async def rows(self, query: str, *values: Any) -> list[Any]:
        return list(await self.database.fetch(query, *values))
