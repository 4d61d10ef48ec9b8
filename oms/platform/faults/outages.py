"""Outages: exceptions of which a later retry may be free, as nothing is wrong with the program or the request."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, TypeVar

import asyncpg
import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from oms.platform.locale.language import gettext

log = structlog.get_logger(__name__)

T = TypeVar("T")

RETRY_AFTER_S: Final = 1
"""What a caller is told to wait before the next try."""


class OutcomeUnknown(Exception):
    """The connection was lost during a commit: everything was saved, or nothing was.

    Repeating the command finds out, and takes effect once.
    """


class ServerStopping(Exception):
    """The process ends before the request did, which may take effect or not. Another process answers its repetition."""


def is_outage(error: BaseException) -> bool:
    """Whether a later retry may help: PostgreSQL or Redis is unreachable, went away, or has no room or connection left,
    or the process stops.

    An exception group is one if each of its parts is.
    """
    if isinstance(error, BaseExceptionGroup):
        return all(is_outage(part) for part in error.exceptions)
    if isinstance(error, OutcomeUnknown | ServerStopping | NoConnectionFree | RedisError):
        return True
    return is_connection_lost(error) or _has_state(error, _NO_ROOM) or is_lock_timeout(error)


def is_lock_timeout(error: BaseException) -> bool:
    """Whether somebody else held a lock for too long."""
    return _has_state(error, _LOCKED)


def is_connection_lost(error: BaseException) -> bool:
    """Whether the connection on which it was raised, if there was one, can no longer be used."""
    if isinstance(error, OutcomeUnknown):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    return any(_is_loss(cause) for cause in _causes(error)) or _has_state(error, _AWAY)


def _is_loss(cause: BaseException) -> bool:
    match cause:
        case asyncpg.InterfaceError() | asyncpg.InternalClientError():
            return not isinstance(cause, ValueError)  # asyncpg refused a value of ours
        case RuntimeError():
            return str(cause).endswith(_CLOSED_TRANSPORT)
    return isinstance(cause, OSError)


def _has_state(error: BaseException, states: tuple[str, ...]) -> bool:
    """Whether the error has one of these SQLSTATEs, or belongs to one of these classes of them."""
    return any(str(getattr(cause, "sqlstate", None) or "").startswith(states) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception, and what asyncpg or the system raised if SQLAlchemy translated that."""
    yield error
    translated = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(translated, BaseException):
        yield translated
        # SQLAlchemy raises its class for asyncpg's exceptions from them; other causes are not its own.
        if type(translated).__module__.startswith("sqlalchemy.") and translated.__cause__ is not None:
            yield translated.__cause__


_AWAY: Final = ("08", "57P", "25006", "25P03", "25P04")
"""SQLSTATE: connection exceptions; shutting down or starting; a standby; a transaction that was idle or took too long.

The last three end the connection, or are answered by a server that no longer takes writes.
"""

_NO_ROOM: Final = ("53",)
"""SQLSTATE: insufficient resources, such as a full disk or no connection slot left."""

_LOCKED: Final = ("55P03",)

_CLOSED_TRANSPORT: Final = "the handler is closed"
"""With these words uvloop refuses to write to a connection that was closed; it has no exception class for that."""


async def through_outages(read: Callable[[], Awaitable[T]]) -> T:
    """The result of a read, which is repeated until the database answers."""
    while True:
        try:
            return await read()
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("A read waits for the database", error=repr(error))
        await asyncio.sleep(RETRY_AFTER_S)


def outage_message(error: BaseException) -> str:
    """What to tell a caller, and what they can do."""
    if isinstance(error, OutcomeUnknown):
        return gettext(
            "The connection to the database was lost while saving, so the request may or may not have taken effect. "
            "Send it again with the same reference or Idempotency-Key: it takes effect once."
        )
    if isinstance(error, ServerStopping):
        return gettext(
            "The server was stopped while it worked on the request, which may or may not have taken effect. "
            "Send it again with the same reference or Idempotency-Key: it takes effect once."
        )
    if is_lock_timeout(error):
        return gettext("Another change holds what this one needs; try again in a moment.")
    return gettext("The database is unavailable; try again in a moment.")
