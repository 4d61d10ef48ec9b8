"""Records every statement that PostgreSQL executes, as auto_explain reports it to the client.

So no statement is missed, however it reaches the driver, and its plan is the one it was executed by.
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

_SETTINGS: Final = {
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
    """One execution: the operation that caused it, the statement as it was sent, its values, and its plan."""

    operation: str
    sql: str
    values: str
    plan: Mapping[str, Any]

    def __str__(self) -> str:
        plan = orjson.dumps(self.plan, option=orjson.OPT_INDENT_2).decode()
        return f"{self.operation}:\n{self.sql}\nwith {self.values}\n{plan}"


@dataclass
class Recording:
    """Everything that was executed, in order. `operation` is the present one; without one, nothing is recorded."""

    operation: str = ""
    executed: list[Executed] = field(default_factory=list)

    def note(self, fields: Mapping[str, str]) -> None:
        """A notice from PostgreSQL, by the field letters of its protocol."""
        _, found, report = fields["M"].partition("plan:\n")
        if found and self.operation:
            read = orjson.loads(report)
            executed = Executed(self.operation, read["Query Text"], read.get("Query Parameters", ""), read["Plan"])
            self.executed.append(executed)


@contextmanager
def recording() -> Iterator[Recording]:
    """Records for all connections of this process to a reporting database."""
    recorded = Recording()

    def note(_connection: object, fields: Mapping[str, str], _last_query: str) -> None:
        recorded.note(fields)

    with mock.patch.object(asyncpg.Connection, "_process_log_message", note):
        yield recorded


@asynccontextmanager
async def reporting_database(database_url: str, owner_url: str, name: str) -> AsyncIterator[str]:
    """A migrated database of that name, as the application connects to it. Autovacuum leaves it alone."""
    await _on_server(owner_url, f"CREATE DATABASE {name}")
    try:
        await asyncio.to_thread(migrate, _named(owner_url, name))
        for setting, value in _SETTINGS.items():
            await _on_server(owner_url, f"ALTER DATABASE {name} SET {setting} = '{value}'")
        await _disable_autovacuum(_named(owner_url, name))
        yield _named(database_url, name)
    finally:
        await _on_server(owner_url, f"DROP DATABASE {name} WITH (FORCE)")


async def _disable_autovacuum(url: str) -> None:
    """The tests choose when statistics are gathered."""
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
