"""How long it takes after a fault until orders are placed again and no work is left behind."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from tests.system.faults.caller import Placing

MAX_ANSWER_S: Final = 1.0
SHARE: Final = 0.99
POLL_EVERY_S: Final = 0.1
CALM_POLLS: Final = 3

_LEFT_BEHIND: Final = """
    SELECT count(*) FROM work
    WHERE parked_at IS NULL AND NOT held AND queue <> 'deadlines'
      AND (due_at < clock_timestamp() - interval '1 second' OR attempt > 1)
"""


@dataclass(frozen=True, slots=True)
class Recovery:
    """Seconds from the fault's end. `work_s` None: some work was still left behind at the timeout."""

    kind: str
    placing_s: float
    work_s: float | None


async def until_calm(database_url: str, *, within_s: float) -> float | None:
    """Seconds until no work is due for more than a second and none waits for another attempt; None: not in time."""
    started_s = time.monotonic()
    calm_since_s, polls = started_s, 0
    while time.monotonic() - started_s < within_s:
        if await _left_behind(database_url):
            polls = 0
        else:
            calm_since_s = calm_since_s if polls else time.monotonic()
            polls += 1
            if polls >= CALM_POLLS:
                return calm_since_s - started_s
        await asyncio.sleep(POLL_EVERY_S)
    return None


async def _left_behind(database_url: str) -> bool:
    """Whether there is such work; also true if the database does not answer."""
    try:
        connection = await asyncpg.connect(database_url, timeout=5)
    except (OSError, asyncpg.PostgresError):
        return True
    try:
        return bool(await connection.fetchval(_LEFT_BEHIND, timeout=5))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return True
    finally:
        connection.terminate()


def placing_again_s(placings: Sequence[Placing], *, since_s: float) -> float:
    """Seconds from `since_s` until 99 of 100 later attempts are answered within a second.

    Attempts that were in progress when the fault ended count from then on.
    """
    after = sorted((p for p in placings if p.ended_s > since_s), key=lambda placing: placing.started_s)
    bad_ends = [p.ended_s for p in after if not p.answered or p.ended_s - max(p.started_s, since_s) > MAX_ANSWER_S]
    for candidate_s in (since_s, *sorted(bad_ends)):
        rest = [p for p in after if p.started_s >= candidate_s]
        bad = sum(1 for p in rest if not p.answered or p.ended_s - p.started_s > MAX_ANSWER_S)
        if not rest or bad <= (1 - SHARE) * len(rest):
            return candidate_s - since_s
    return bad_ends[-1] - since_s
