"""Runs every check in one snapshot of the database, which nothing that happens meanwhile can change."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg

from oms.tools.check import sandbox
from oms.tools.check.check import Check, Findings, Found, Result
from oms.tools.check.rules import ALL, REMARKS
from oms.tools.check.rules.evidence import checks_of

SHOWN: Final = 5
CONNECT_PATIENCE_S: Final = 5.0

_TUNING: Final = ("SET LOCAL work_mem = '64MB'", "SET LOCAL jit = off", "SET LOCAL TIME ZONE 'UTC'")


async def look(url: str, sandbox_log: Path) -> Findings:
    """Everything that the rules say about this database, and about the sandbox's log if there is one.

    Raises: OSError or asyncpg.PostgresError where the database can't be read; sandbox.UnreadableLog.
    """
    # What the sandbox did by now it was asked for by now: the snapshot, taken later, must know of it.
    early_until = sandbox.last_id(sandbox_log)
    async with _snapshot(url) as connection:
        checks, remarks = list(ALL), list(REMARKS)
        if early_until is None:
            remarks.append(f"Rule 2: there is no sandbox's log {sandbox_log}, so nothing was compared with it.")
        else:
            checks += checks_of(sandbox.effects(sandbox_log, early_until=early_until))
        checks.sort(key=lambda check: check.rule)
        return Findings(await examine(connection, checks), remarks)


@asynccontextmanager
async def _snapshot(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(url, timeout=CONNECT_PATIENCE_S)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            # The first query takes the snapshot.
            await connection.fetchval("SELECT pg_current_snapshot()")
            yield connection
    finally:
        await connection.close()


async def examine(connection: "asyncpg.Connection[asyncpg.Record]", checks: Sequence[Check] = ALL) -> Sequence[Result]:
    """The results of the checks, in their order; the caller's transaction holds the snapshot."""
    for statement in _TUNING:
        await connection.execute(statement)
    counted: dict[str, int] = {}
    results = []
    for check in checks:
        if check.among not in counted:
            counted[check.among] = await connection.fetchval(f"SELECT count(*) FROM {check.among}")
        results.append(await _result(connection, check, counted[check.among]))
    return results


async def _result(connection: "asyncpg.Connection[asyncpg.Record]", check: Check, rows_count: int) -> Result:
    began_s = time.perf_counter()
    query = (
        "SELECT id, what, count(*) OVER () AS found_count "
        f"FROM ({check.broken}) AS broken(id, what) ORDER BY id, what LIMIT {SHOWN}"
    )
    try:
        async with connection.transaction():
            found = await connection.fetch(query, *check.arguments)
    except asyncpg.DataError as problem:
        # A value that is no number or no instant where one belongs: what stands there can't be right.
        first, found_count = [Found("unknown", f"a value can't be read: {problem}")], 1
    else:
        first = [Found(row["id"], row["what"]) for row in found]
        found_count = found[0]["found_count"] if found else 0
    took_ms = round((time.perf_counter() - began_s) * 1000, 1)
    return Result(check.rule, check.holds, check.examined, check.kind, rows_count, found_count, first, took_ms)
