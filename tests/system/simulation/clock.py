"""Virtual time: the event loop's timers and PostgreSQL's clock follow one instant."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg

START: Final = datetime(2026, 1, 1, tzinfo=UTC)

# A sequence rather than a row: every snapshot sees its present value, and advancing it leaves no dead rows.
# The functions precede PostgreSQL's own in the search path, so the product's SQL stays as it is.
SCHEMA: Final = """
CREATE SCHEMA sim;
CREATE SEQUENCE sim.clock;
CREATE FUNCTION sim.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
    $$ SELECT '1970-01-01 00:00+00'::timestamptz + last_value * interval '1 microsecond' FROM sim.clock $$;
CREATE FUNCTION sim.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS
    $$ SELECT '1970-01-01 00:00+00'::timestamptz + last_value * interval '1 microsecond' FROM sim.clock $$;
CREATE FUNCTION sim.now() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT sim.statement_timestamp() $$;
"""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time advances only on request; its sockets are real."""

    def __init__(self) -> None:
        self._now_s = 0.0
        super().__init__()

    def time(self) -> float:
        return self._now_s

    def advance(self, seconds: float) -> None:
        self._now_s += seconds

    @property
    def is_quiet(self) -> bool:
        """Whether nothing but the caller is ready to run."""
        ready: Any = self._ready  # type: ignore[attr-defined]
        return not ready


class Clock:
    """The time in a history; `connection` leads to the database whose clock follows."""

    def __init__(self, loop: VirtualLoop, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._loop = loop
        self._connection = connection
        self._started_s = loop.time()

    @property
    def passed_s(self) -> float:
        return self._loop.time() - self._started_s

    @property
    def now(self) -> datetime:
        return START + timedelta(seconds=self.passed_s)

    async def advance(self, seconds: float) -> None:
        self._loop.advance(seconds)
        micros = round((START.timestamp() + self.passed_s) * 1_000_000)
        await self._connection.fetchval("SELECT setval('sim.clock', $1)", micros)
