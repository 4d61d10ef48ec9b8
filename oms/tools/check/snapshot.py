"""Runs every check in one snapshot of the database, which later changes do not affect."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg

from oms.tools.check.check import Check, Finding, Report, Result
from oms.tools.check.rules import ALL, REMARKS
from oms.tools.check.sandbox import log as sandbox_log
from oms.tools.check.sandbox.evidence import checks_of

MAX_SHOWN: Final = 5
CONNECT_TIMEOUT_S: Final = 5.0

_TUNING: Final = ("SET LOCAL work_mem = '64MB'", "SET LOCAL jit = off", "SET LOCAL TIME ZONE 'UTC'")


async def run_checks(url: str, log: Path) -> Report:
    """Checks the database, and compares it with the sandbox's log if there is one.

    Raises: OSError or asyncpg.PostgresError if the database cannot be read; UnreadableLog.
    """
    # The snapshot is taken later, so it must know of every call that the log contains now.
    early_until = sandbox_log.last_id(log)
    async with _snapshot(url) as connection:
        checks, remarks = list(ALL), list(REMARKS)
        if early_until is None:
            remarks.append(f"Rule 2: there is no sandbox log {log}, so nothing was compared with it.")
        else:
            checks += checks_of(sandbox_log.effects(log, early_until=early_until))
        checks.sort(key=lambda check: check.rule)
        return Report(await examine(connection, checks), remarks)


@asynccontextmanager
async def _snapshot(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            # The first query takes the snapshot.
            await connection.fetchval("SELECT pg_current_snapshot()")
            yield connection
    finally:
        await connection.close()


async def examine(connection: "asyncpg.Connection[asyncpg.Record]", checks: Sequence[Check] = ALL) -> Sequence[Result]:
    """The results of the checks, in the same order. The caller's transaction holds the snapshot."""
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
    started_s = time.perf_counter()
    query = (
        "SELECT id, what, count(*) OVER () AS found_count "
        f"FROM ({check.broken}) AS broken(id, what) ORDER BY id, what LIMIT {MAX_SHOWN}"
    )
    try:
        async with connection.transaction():
            found = await connection.fetch(query, *check.arguments)
    except asyncpg.DataError as problem:
        # A stored value is not the number or the instant that it should be, so the rule cannot hold.
        first, found_count = [Finding("unknown", f"a value cannot be read: {problem}")], 1
    else:
        first = [Finding(row["id"], row["what"]) for row in found]
        found_count = found[0]["found_count"] if found else 0
    took_ms = round((time.perf_counter() - started_s) * 1000, 1)
    return Result(check.rule, check.holds, check.examined, check.kind, rows_count, found_count, first, took_ms)
