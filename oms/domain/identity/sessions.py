"""What a session is, and what it counts under."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from oms.domain.access.permissions import Viewer

SEEN_EVERY: Final = timedelta(minutes=1)
"""How often it is written down at most that a session is in use."""


@dataclass(frozen=True, slots=True)
class SessionRules:
    """When sessions end by themselves: `idle` after they were used last, and `longest` after they began.

    In `demo` mode the personas' sessions count, too: those of accounts that have no way to prove who signs in.
    """

    idle_timeout: timedelta
    max_lifetime: timedelta
    demo: bool


@dataclass(frozen=True, slots=True)
class Session:
    """One signing in, as its owner sees it."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ValidSession:
    """Whom a session that holds stands for, and how long it has not been in use."""

    viewer: Viewer
    idle: timedelta
