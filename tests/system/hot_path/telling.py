"""PostgreSQL itself tells what it executed: auto_explain's report of each statement, sent to whoever asked for it.

So nothing is missed, whichever way a statement took to the driver, and its plan is the one it was executed by.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from unittest import mock

import asyncpg
import orjson
from sqlalchemy.engine import make_url

from oms.platform.grants import address_of
from oms.platform.migrations import migrate

_TELLS: Final = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_format": "json",
    "auto_explain.log_level": "notice",
    "auto_explain.log_nested_statements": "on",
}


@dataclass(frozen=True, slots=True)
class Executed:
    """One execution: on which way through the product, the statement as it was sent, its values, and its plan."""

    way: str
    sql: str
    values: str
    plan: Mapping[str, Any]

    def __str__(self) -> str:
        plan = orjson.dumps(self.plan, option=orjson.OPT_INDENT_2).decode()
        return f"{self.way}:\n{self.sql}\nwith {self.values}\n{plan}"


@dataclass
class Told:
    """Everything that was executed, in order; `way` is what goes on just now: where it is nothing, none is noted."""

    way: str = ""
    executed: list[Executed] = field(default_factory=list)

    def note(self, fields: Mapping[str, str]) -> None:
        """One notice of PostgreSQL's, by the letters of its protocol."""
        _, found, report = fields["M"].partition("plan:\n")
        if found and self.way:
            read = orjson.loads(report)
            asked = Executed(self.way, read["Query Text"], read.get("Query Parameters", ""), read["Plan"])
            self.executed.append(asked)


@contextmanager
def telling() -> Iterator[Told]:
    """Hears all connections of this process that talk to a database which tells."""
    told = Told()

    def note(_connection: object, fields: Mapping[str, str], _last_query: str) -> None:
        told.note(fields)

    with mock.patch.object(asyncpg.Connection, "_process_log_message", note):
        yield told


@asynccontextmanager
async def database_that_tells(database_url: str, owner_url: str, name: str) -> AsyncIterator[str]:
    """A migrated database of that name beside another one, as the application reaches it. No autovacuum looks at it."""
    await _on_server(owner_url, f"CREATE DATABASE {name}")
    try:
        await asyncio.to_thread(migrate, _named(owner_url, name))
        await set_for(owner_url, name, _TELLS)
        await _leave_statistics_alone(_named(owner_url, name))
        yield _named(database_url, name)
    finally:
        await _on_server(owner_url, f"DROP DATABASE {name} WITH (FORCE)")


async def set_for(owner_url: str, name: str, settings: Mapping[str, str]) -> None:
    """For connections of that database that are made from now on."""
    for setting, value in settings.items():
        await _on_server(owner_url, f"ALTER DATABASE {name} SET {setting} = '{value}'")


async def _leave_statistics_alone(url: str) -> None:
    """When statistics are gathered is what the tests choose."""
    connection = await asyncpg.connect(address_of(url))
    try:
        for (table,) in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            await connection.execute(f'ALTER TABLE "{table}" SET (autovacuum_enabled = false)')
    finally:
        await connection.close()


def _named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


async def _on_server(owner_url: str, statement: str) -> None:
    connection = await asyncpg.connect(address_of(owner_url))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
