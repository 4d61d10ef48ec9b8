"""pgbench on the server that the shop runs on, in a database of its own."""

import asyncio
import re
from pathlib import Path
from typing import Final

import asyncpg
from sqlalchemy.engine import make_url

from oms.platform.grants import address_of
from oms.platform.settings import CannotStart
from oms.tools.dev_services.embedded.programs import tool

CLIENTS: Final = 32
THREADS: Final = 2

_DATABASE: Final = "yardstick"
_HERE: Final = Path(__file__).parent
_TPS: Final = re.compile(r"^tps = ([\d.]+) ", re.MULTILINE)


async def transactions_per_s(owner_url: str, seconds: float) -> float:
    """On new tables each time. Raises: CannotStart, with pgbench's message."""
    await _make(owner_url)
    url = make_url(owner_url)
    process = await asyncio.create_subprocess_exec(
        tool("pgbench"), "-n", "-M", "prepared", "-f", _HERE / "order.sql", "-c", str(CLIENTS), "-j", str(THREADS),
        "-T", str(max(1, round(seconds))), "-h", str(url.host), "-p", str(url.port), "-U", str(url.username), _DATABASE,
        env={"PGPASSWORD": str(url.password)}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, errors = await process.communicate()
    found = _TPS.search(output.decode())
    if process.returncode or found is None:
        raise CannotStart(f"pgbench failed: {errors.decode().strip()}")
    return float(found[1])


async def _make(owner_url: str) -> None:
    connection = await asyncpg.connect(address_of(owner_url))
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", _DATABASE):
        await connection.execute(f"CREATE DATABASE {_DATABASE}")
    await connection.close()
    own = make_url(owner_url).set(database=_DATABASE).render_as_string(hide_password=False)
    connection = await asyncpg.connect(address_of(own))
    await connection.execute((_HERE / "schema.sql").read_text())
    await connection.execute("VACUUM ANALYZE")
    await connection.close()
