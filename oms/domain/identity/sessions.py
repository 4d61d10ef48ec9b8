"""What a session is, and when it is valid."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from oms.domain.access.permissions import Viewer

SEEN_EVERY: Final = timedelta(minutes=1)
"""Minimum interval between two updates of a session's last use."""


@dataclass(frozen=True, slots=True)
class SessionRules:
    """When sessions time out: `idle_timeout` after their last use, and in any case `max_lifetime` after their start.

    In `demo` mode, sessions of the personas are valid, too; their accounts have neither password nor OpenID subject.
    `device_lifetime`: how long a browser is known after its last sign-in.
    """

    idle_timeout: timedelta
    max_lifetime: timedelta
    demo: bool
    device_lifetime: timedelta = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its owner sees it."""

    id: UUID
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ValidSession:
    """The viewer of a valid session. `idle`: the time since its last use."""

    viewer: Viewer
    idle: timedelta
