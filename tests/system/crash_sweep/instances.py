"""Instances of the product, each on a copy of one prepared database."""

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
from tests.system.crash_sweep.kill_switch import KillSwitch
from tests.system.crash_sweep.processes import ForkServer, Supervised

ROLES: Final = ("SERVICE", "COURIER", "SUPPORT", "MANAGER")
LIMIT_MINOR: Final = 5_000
PRICE_MINOR: Final = 1_000
_UNITS: Final = 1_000_000
_FIRST_REDIS: Final = 2
_MAX_LOG_LINES: Final = 5
_MAX_LINE_LENGTH: Final = 1000

_WAREHOUSES: Final = (
    "mutation ($inputs: [WarehouseInput!]!) { upsertWarehouses(inputs: $inputs) { userErrors { message } } }"
)
_PRODUCTS: Final = "mutation ($inputs: [ProductInput!]!) { upsertProducts(inputs: $inputs) { userErrors { message } } }"
_STOCK: Final = "mutation ($inputs: [StockInput!]!) { setStock(inputs: $inputs) { userErrors { message } } }"
_LIMIT: Final = """
    mutation ($limit: MinorUnits!, $currency: CurrencyCode) {
        setSpendingLimit(limit: $limit, currency: $currency) { userErrors { message } } }
"""


@dataclass(frozen=True, slots=True)
class Conditions:
    """Settings of worker and sandbox. `lost_answers`: the operation whose first answer to each key is lost."""

    worker: tuple[tuple[str, str], ...] = ()
    sandbox: tuple[tuple[str, str], ...] = ()
    lost_answers: str = ""


class Instances:
    """Creates instances. Each starts with stock in two warehouses, a spending limit and access tokens."""

    def __init__(self, engines: Engines, folder: Path, fork_server: ForkServer) -> None:
        self.fork_server = fork_server
        self.folder = folder
        self.tokens: dict[str, str] = {}
        self._engines = engines
        self._template = f"oms_sweep_{os.getpid()}"
        self._count = 0
        self._databases: set[str] = set()
        self._ports: set[int] = set()

    async def __aenter__(self) -> Self:
        await self._on_server(f"CREATE DATABASE {self._template}")
        self._databases.add(self._template)
        await asyncio.to_thread(migrate, _url(self._engines.owner_url, self._template))
        url = _url(self._engines.database_url, self._template)
        environment = self.environment(url, _FIRST_REDIS, self.folder / "template")
        for role in ROLES:
            status, output = await self.fork_server.run(
                ["token", "--role", role, "--name", role.lower()], environment, self.folder / f"token-{role}"
            )
            assert status == 0, output
            self.tokens[role] = output.split()[-1]
        await self._stock_up(environment)
        return self

    async def __aexit__(self, *_: object) -> None:
        for name in sorted(self._databases):
            await self._on_server(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def _stock_up(self, environment: Mapping[str, str]) -> None:
        web = Supervised(self.fork_server, ["web"], environment, self.folder / "template-web.log")
        async with Client(int(environment["OMS_PORT"]), self.tokens, web.keep_running) as client:
            codes = ("north", "south")
            await client.request("MANAGER", _WAREHOUSES, inputs=[{"code": code, "name": code} for code in codes])
            skus = ("TEA", "MUG", "RARE")
            products = [{"sku": sku, "name": sku, "unitPrice": PRICE_MINOR, "currency": "USD"} for sku in skus]
            await client.request("MANAGER", _PRODUCTS, inputs=products)
            levels = [("TEA", "north", _UNITS), ("MUG", "south", _UNITS), ("RARE", "north", 0)]
            counts = [{"sku": sku, "warehouseCode": code, "onHand": units} for sku, code, units in levels]
            await client.request("MANAGER", _STOCK, inputs=counts)
            await client.request("MANAGER", _LIMIT, limit=LIMIT_MINOR)
            # A limit of another currency must never decline a charge.
            await client.request("MANAGER", _LIMIT, limit=1, currency="EUR")
        await web.kill()

    def environment(self, database_url: str, redis_number: int, folder: Path) -> dict[str, str]:
        """Of an instance's processes. Leases are short; a provider timeout is less than half of one."""
        folder.mkdir(parents=True, exist_ok=True)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
        return inherited | {
            "OMS_DATABASE_URL": database_url,
            "OMS_REDIS_URL": _url(self._engines.redis_url, str(redis_number)),
            "OMS_DATA_DIR": str(folder),
            "OMS_PORT": str(self._port()),
            "OMS_SANDBOX_PORT": str(self._port()),
            "OMS_DATABASE_POOL_SIZE": "5",
            "OMS_WORK_LEASE_S": "1.5",
            "OMS_PROVIDER_TIMEOUT_S": "0.6",
            "OMS_AMENDMENT_TIMEOUT_S": "3600",
            "OMS_COURIER_FAILURES_PER_MINUTE": "0",
            "OMS_LOG_LEVEL": "warning",
            "OMS_LOG_FORMAT": "json",
            "OMS_RUN_AS": "root",  # its kill switches are files of whoever runs the sweep
        }

    def _port(self) -> int:
        """A free port that no other process of the sweep has."""
        while (port := free_port(0)) in self._ports:
            continue
        self._ports.add(port)
        return port

    async def create(self, bug: str = "") -> "Instance":
        """An instance on a new copy of the prepared database."""
        self._count += 1
        number = self._count
        name = f"{self._template}_{number}"
        await self._on_server(f"CREATE DATABASE {name} TEMPLATE {self._template}")
        self._databases.add(name)
        url = _url(self._engines.database_url, name)
        folder = self.folder / f"instance-{number}"
        # Valkey has sixteen numbered databases; other tests use the first ones.
        redis_number = _FIRST_REDIS + number % (16 - _FIRST_REDIS)
        return Instance(self, url, self.environment(url, redis_number, folder), folder, bug)

    async def _on_server(self, statement: str) -> None:
        connection = await asyncpg.connect(address_of(self._engines.owner_url))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def _url(server_url: str, database: str) -> str:
    return make_url(server_url).set(database=database).render_as_string(hide_password=False)


class Instance:
    """Web, worker and sandbox on one database. `database` is the sweep's own connection to it."""

    def __init__(self, instances: Instances, url: str, environment: Mapping[str, str], folder: Path, bug: str) -> None:
        self.folder = folder
        self.url = url
        self.sandbox_log = folder / "sandbox" / "sandbox.sqlite"
        self.database: asyncpg.Connection[asyncpg.Record]
        self.client: Client
        self._instances = instances
        self._environment = dict(environment)
        self._bug = bug
        self._conditions: Conditions | None = None
        self._processes: dict[str, Supervised] = {}
        self.kill_switches = {process: KillSwitch(folder, process) for process in ("web", "worker")}

    async def __aenter__(self) -> Self:
        self.database = await asyncpg.connect(address_of(self.url))
        self.client = Client(int(self._environment["OMS_PORT"]), self._instances.tokens, self.keep_running)
        await self.client.__aenter__()
        self._processes["web"] = self._process("web")
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in self._processes.values():
            await process.kill()
        await self.client.__aexit__()
        await self.database.close()

    async def set_up(self, conditions: Conditions) -> None:
        """Starts worker and sandbox under these conditions, unless they already run under them."""
        if conditions != self._conditions:
            for name in ("worker", "sandbox"):
                if name in self._processes:
                    await self._processes[name].kill()
            providers = {"OMS_PROVIDERS_URL": f"http://127.0.0.1:{self._environment['OMS_SANDBOX_PORT']}"}
            self._processes["sandbox"] = self._process("sandbox", dict(conditions.sandbox))
            self._processes["worker"] = self._process(
                "worker", providers | dict(conditions.worker), conditions.lost_answers
            )
            self._conditions = conditions
        await self.keep_running()

    async def renew(self) -> None:
        """Restarts web and worker: without caches and prepared statements."""
        for name in ("web", "worker"):
            await self._processes[name].kill()
        await self.keep_running()

    def _process(self, name: str, settings: Mapping[str, str] | None = None, lost_answers: str = "") -> Supervised:
        may_be_killed = name in self.kill_switches
        return Supervised(
            self._instances.fork_server,
            [name],
            self._environment | dict(settings or {}),
            self.folder / f"{name}.log",
            switch_folder=self.folder if may_be_killed else None,
            lost_answers=lost_answers,
            bug=self._bug if may_be_killed else "",
        )

    async def keep_running(self) -> bool:
        """Restarts processes that were killed; returns whether there were any."""
        return any([await process.keep_running() for process in self._processes.values()])

    async def check(self) -> str:
        """`python -m oms check`: returns which rule is violated; empty if none is."""
        status, output = await self._instances.fork_server.run(["check"], self._environment, self.folder / "check.log")
        assert status >= 0, signal.Signals(-status).name
        return output[max(0, output.find("is violated") - len("Rule 1 ")) :] if status else ""

    def clear_logs(self) -> None:
        for log in self._logs():
            log.write_bytes(b"")

    def logged(self) -> str:
        """The first lines of the processes' logs; long ones are shortened in the middle."""
        lines = [
            f"{log.stem}: {line}" for log in self._logs() for line in log.read_text().splitlines()[:_MAX_LOG_LINES]
        ]
        return "\n".join(line if len(line) < _MAX_LINE_LENGTH else f"{line[:300]} … {line[-700:]}" for line in lines)

    def _logs(self) -> list[Path]:
        return [process.log for process in self._processes.values() if process.log.exists()]

    async def rows(self, query: str, *values: Any) -> list[Any]:
        return list(await self.database.fetch(query, *values))
