"""The log on standard error: each event is a short sentence with values. Libraries log in the same format.

Secrets and personal data are redacted (oms.platform.log.redaction), and no text from outside can forge a line.
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

from oms.platform.log.redaction import HIDDEN, QUOTES_A_VALUE, redacted, redacted_text
from oms.platform.settings import Settings

_VERBOSE: Final = ("alembic", "arq", "httpx", "uvicorn")
"""Libraries whose info events repeat our own."""

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Control characters, line ends of all alphabets, and characters that change the direction of text."""


def configure_logs(settings: Settings, *, process: str) -> None:
    """Configures the log of this process. `process`: its name in every line, such as web, worker, or a command."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _naming(process),
    ]
    last = [_format_exception, _redact, *_renderers(settings)]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    _route_libraries(level, shared, last)
    sys.excepthook = _log_uncaught


def _renderers(settings: Settings) -> list[Processor]:
    in_terminal = settings.log_format == "auto" and sys.stderr.isatty()
    if in_terminal or settings.log_format == "console":
        plain = structlog.dev.plain_traceback  # the pretty one shows values of variables
        return [_on_one_line, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    return [structlog.processors.JSONRenderer(serializer=_json)]


def _json(event: EventDict, **_: Any) -> str:
    return _CONTROL.sub(_escaped, orjson.dumps(event, default=str).decode())


def _escaped(character: re.Match[str]) -> str:
    return f"\\u{ord(character[0]):04x}"


def _naming(process: str) -> Processor:
    def name(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    return name


def _format_exception(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The traceback as text, without rows that PostgreSQL quotes in its errors."""
    given = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else (given[1] if isinstance(given, tuple) else sys.exception())
    if given and error:
        text = "".join(traceback.format_exception(error)).rstrip()
        for detail in sorted(set(_details(error)), key=len, reverse=True):
            text = text.replace(detail, HIDDEN)
        event["exception"] = text
    return event


def _details(error: BaseException | None) -> Iterator[str]:
    """Rows and values that the error or its causes quote."""
    while error is not None:
        for each in (error, getattr(error, "orig", None)):
            if isinstance(detail := getattr(each, "detail", None), str) and detail:
                yield detail
            if quoted := _VALUE.search(str(each)):
                yield quoted["value"]
        error = error.__cause__ or error.__context__


def _redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for name, value in event.items():
        if not name.startswith("_"):  # fields of the standard library's records are removed later
            event[name] = redacted_text(value) if name in _OURS and isinstance(value, str) else redacted(name, value)
    return event


_VALUE: Final = re.compile(rf"(?s){QUOTES_A_VALUE}(?P<value>.+)")
_OURS: Final = frozenset({"event", "exception", "level", "logger", "process", "timestamp"})


def _on_one_line(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Escapes control characters, and indents the lines of a traceback to tell them from lines of the log."""
    for name, value in event.items():
        if name == "exception":
            event[name] = "\n".join(f"  | {_CONTROL.sub(_escaped, line)}" for line in value.split("\n"))
        elif not name.startswith("_"):
            event[name] = _CONTROL.sub(_escaped, str(value))
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
    for name in _VERBOSE:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Logs an uncaught exception. Python would print it unredacted."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        structlog.get_logger(__name__).critical("The process ends because of a bug", exc_info=error)
