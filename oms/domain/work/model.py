"""Due work: which items there are, and when a failed one is tried again."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID


@dataclass(frozen=True, slots=True, order=True)
class WorkKey:
    """One item of work for each subject, part and queue. The queue's kind says what the part counts; 0: the subject."""

    subject_id: UUID
    part: int
    queue: str


MAX_BACKOFF_S: Final = 300.0


def backoff_s(attempt: int) -> float:
    """Seconds to wait after the given failed attempt, counted from 1: doubling from half a second to five minutes."""
    return min(MAX_BACKOFF_S, 0.5 * 2.0 ** (attempt - 1))
