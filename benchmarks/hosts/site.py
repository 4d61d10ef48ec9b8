"""The site: one host with PostgreSQL and Valkey, one with the sandbox, and hosts with web and worker processes."""

import asyncio
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import asyncpg
import psutil
import redis
from sqlalchemy.engine import make_url

from benchmarks.hosts.network import Host, Network
from benchmarks.hosts.shares import Share, a_share
from benchmarks.load.figures import CLIENT, Processes
from benchmarks.load.shop import Shop
from oms.platform.grants import address_of
from oms.platform.migrations import migrate
from oms.platform.settings import PROJECT_DIR
from oms.tools.dev_services.embedded import Engines
from oms.tools.dev_services.embedded.account import account_for
from oms.tools.dev_services.embedded.ports import LOOPBACK
from oms.tools.dev_services.embedded.postgres import launch
from oms.tools.dev_services.embedded.process import spawn, stop
from oms.tools.dev_services.embedded.programs import programs_for

WEB_PORT: Final = 8000
SANDBOX_PORT: Final = 8001
POSTGRES_PORT: Final = 5432
_TIMEOUT_S: Final = 30.0

_IMPATIENT: Final = {
    "OMS_DATABASE_TIMEOUT_S": "5",
    "OMS_PROVIDER_TIMEOUT_S": "2",
    "OMS_WORK_LEASE_S": "6",
}
"""Short, so that locks and leases of a lost host are released within seconds."""


@dataclass
class ServingHost:
    """A web process and a worker on one host, with a share of a core."""

    host: Host
    share: Share
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def lose(self) -> None:
        """Stops it at once, without closing any connection."""
        self.host.cut_off()
        for process in self.processes:
            process.kill()
            process.wait()


class Site(Shop):
    """A shop whose processes run on hosts. `hosts`: those that serve, without lost ones."""

    def __init__(self, engines: Engines, postgres: subprocess.Popen[bytes], network: Network, stack: ExitStack) -> None:
        super().__init__(engines, web_processes=0, worker_processes=0)
        self.hosts: list[ServingHost] = []
        self._postgres = postgres
        self._network = network
        self._stack = stack
        self._providers = network.plug_in("providers")
        sandbox = self._run(self._providers, "sandbox", {"OMS_SANDBOX_PORT": str(SANDBOX_PORT)})
        stack.callback(stop, sandbox, [(signal.SIGTERM, _TIMEOUT_S)])

    @property
    def processes(self) -> Processes:
        (valkey,) = [server.process.pid for server in self.engines.servers if server.name == "valkey"]
        webs, workers = zip(*(serving.processes for serving in self.hosts), strict=True)
        return {
            "web": [psutil.Process(web.pid) for web in webs],
            "worker": [psutil.Process(worker.pid) for worker in workers],
            "postgres": [psutil.Process(self._postgres.pid)],
            "valkey": [psutil.Process(valkey)],
            CLIENT: [psutil.Process()],
        }

    def add_host(self, cores: float) -> None:
        """Adds a host with that share of a core; it serves when this returns."""
        number = len(self.hosts) + 1
        host = self._network.plug_in(f"host{number}")
        serving = ServingHost(host, self._stack.enter_context(a_share(host.name, cores)))
        self._stack.callback(serving.lose)
        providers = {"OMS_PROVIDERS_URL": f"http://{self._providers.address}:{SANDBOX_PORT}"}
        for command, settings in (("web", {"OMS_PORT": str(WEB_PORT)}), ("worker", providers)):
            process = self._run(host, command, settings)
            serving.share.take(process.pid)
            serving.processes.append(process)
        self.hosts.append(serving)
        self.webs.append((host.address, WEB_PORT))
        self.wait_until_ready(serving.processes[0], self.webs[-1])

    def lose_host(self) -> None:
        """The host added last."""
        self.webs.pop()
        self.hosts.pop().lose()

    def start_workers(self) -> None:
        """Does nothing: web processes run with their hosts."""

    def stop_workers(self) -> None:
        """Does nothing: workers run with their hosts."""

    def clear_calls(self) -> None:
        """Does nothing: the sandbox is a service of its own, whose log stays."""

    def _run(self, host: Host, command: str, settings: dict[str, str]) -> subprocess.Popen[bytes]:
        environment = {**self.environment, **_IMPATIENT, "OMS_HOST": host.address}
        with host.entered():
            return spawn(
                [sys.executable, "-m", "oms", command],
                environment={**environment, **settings},
                log_file=self.engines.folder.log_file(f"{host.name}-{command}"),
                working_dir=PROJECT_DIR,
            )


def open_site(network: Network, stack: ExitStack) -> Site:
    """Durable engines on their own host, with a migrated database; nothing serves yet."""
    folder = Path(tempfile.mkdtemp(prefix="oms-hosts-"))
    folder.chmod(0o711)  # root's databases run as another user, who has to enter
    stack.callback(shutil.rmtree, folder)
    data = network.plug_in("data")
    with data.entered():
        engines = stack.enter_context(Engines(folder / "data", durable=True))
        migrate(engines.owner_url)
        postgres = _listen_to_all(engines, data, network)
        stack.callback(stop, postgres, [(signal.SIGINT, 20.0)])
    return Site(engines, postgres, network, stack)


def _listen_to_all(engines: Engines, data: Host, network: Network) -> subprocess.Popen[bytes]:
    """Embedded engines listen on the loopback address only: PostgreSQL is restarted, Valkey reconfigured."""
    with redis.Redis.from_url(engines.redis_url) as valkey:
        valkey.config_set("bind", f"{data.address} 127.0.0.1")
    (postgres,) = [server for server in engines.servers if server.name == "postgres"]
    postgres.stop()
    with (engines.folder.database_dir / "pg_hba.conf").open("a") as rules:
        rules.write(f"host all all {network.network} scram-sha-256\n")
    account = account_for(engines.folder.database_dir)
    process = launch(
        programs_for(account, engines.folder).postgres,
        engines.folder.database_dir,
        {"port": str(POSTGRES_PORT), "listen_addresses": f"{data.address},127.0.0.1"},
        account=account,
        log_file=engines.folder.log_file("postgres"),
    )
    engines.database_url, engines.owner_url = (
        make_url(url).set(host=data.address, port=POSTGRES_PORT).render_as_string(hide_password=False)
        for url in (engines.database_url, engines.owner_url)
    )
    engines.redis_url = engines.redis_url.replace(f"@{LOOPBACK}:", f"@{data.address}:")
    asyncio.run(_until_it_answers(address_of(engines.owner_url)))
    return process


async def _until_it_answers(address: str) -> None:
    async with asyncio.timeout(_TIMEOUT_S):
        while True:
            with suppress(OSError, asyncpg.CannotConnectNowError):
                return await (await asyncpg.connect(address)).close()
            await asyncio.sleep(0.05)
