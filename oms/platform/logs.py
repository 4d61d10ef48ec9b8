"""Log lines on standard error: events as short sentences, their values beside them; libraries' look the same.

Nothing secret or personal is in them, and no text from outside makes a line of its own: see oms.platform.redaction.
"""

import logging
import re
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Final

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from oms.platform.redaction import HIDDEN, QUOTES_A_VALUE, redacted, redacted_text
from oms.platform.settings import Settings

_TALKATIVE: Final = ("alembic", "arq", "httpx", "uvicorn")
"""Libraries that tell at level info what our own events tell already."""

_UNSEEN: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters, ends of lines in any alphabet, and what turns the direction of a text around."""


def configure_logs(settings: Settings, *, process: str) -> None:
    """Set up this process's log. `process` names it in every line: supervisor, web, worker, or a command."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _naming(process),
    ]
    last = [_tell_exception, _redact, *_last_steps(settings)]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    _route_libraries(level, shared, last)
    sys.excepthook = _last_words


def _last_steps(settings: Settings) -> list[Processor]:
    in_terminal = settings.log_format == "auto" and sys.stderr.isatty()
    if in_terminal or settings.log_format == "console":
        plain = structlog.dev.plain_traceback  # the pretty one shows the values of variables
        return [_on_one_line, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    return [structlog.processors.JSONRenderer(serializer=_json)]


def _json(event: EventDict, **_: Any) -> str:
    return _UNSEEN.sub(_escaped, orjson.dumps(event, default=str).decode())


def _escaped(character: re.Match[str]) -> str:
    return f"\\u{ord(character[0]):04x}"


def _naming(process: str) -> Processor:
    def name(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    return name


def _tell_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The traceback as text, without the rows that PostgreSQL quotes in its errors."""
    given = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else (given[1] if isinstance(given, tuple) else sys.exception())
    if given and error:
        text = "".join(traceback.format_exception(error)).rstrip()
        for detail in sorted(set(_details(error)), key=len, reverse=True):
            text = text.replace(detail, HIDDEN)
        event["exception"] = text
    return event


def _details(error: BaseException | None) -> Iterator[str]:
    """What the errors that led to this one quote of the database's rows and of values."""
    while error is not None:
        for each in (error, getattr(error, "orig", None)):
            if isinstance(detail := getattr(each, "detail", None), str) and detail:
                yield detail
            if quoted := _VALUE.search(str(each)):
                yield quoted["value"]
        error = error.__cause__ or error.__context__


def _redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for name, value in event.items():
        if not name.startswith("_"):  # what the standard library's records carry is taken out later
            event[name] = redacted_text(value) if name in _OURS and isinstance(value, str) else redacted(name, value)
    return event


_VALUE: Final = re.compile(rf"(?s){QUOTES_A_VALUE}(?P<value>.+)")
_OURS: Final = frozenset({"event", "exception", "level", "logger", "process", "timestamp"})


def _on_one_line(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A terminal obeys control characters; a traceback has lines, which are set off from those of the log."""
    for name, value in event.items():
        if name == "exception":
            event[name] = "\n".join(f"  | {_UNSEEN.sub(_escaped, line)}" for line in value.split("\n"))
        elif not name.startswith("_"):
            event[name] = _UNSEEN.sub(_escaped, str(value))
    return event


def _route_libraries(level: int, shared: list[Processor], last: list[Processor]) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _last_words(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What ends the process is told like everything else, and not by Python, which would quote it as it is."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        structlog.get_logger(__name__).critical("The process ends for a fault of ours", exc_info=error)
