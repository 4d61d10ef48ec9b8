"""The contract's scalars: what they accept, and their JSON form."""

import re
from datetime import UTC, datetime
from typing import Any, Final, NewType

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from oms.domain.vocabulary.money import MAX_MINOR

MinorUnits = NewType("MinorUnits", int)
CurrencyCode = NewType("CurrencyCode", str)
Instant = NewType("Instant", datetime)
"""The contract's DateTime; always with a time zone."""


def parse_instant(value: Any) -> datetime:
    """From RFC 3339 with an offset, to UTC. Raises GraphQLError for anything else."""
    if not isinstance(value, str):
        raise GraphQLError("A DateTime is a string such as 2026-11-21T18:50:00Z.")
    written = value.upper()
    try:
        if _RFC_3339.fullmatch(written):
            return datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise GraphQLError(f"{value[:40]!r} is not a date with time and offset, such as 2026-11-21T18:50:00Z.")


_RFC_3339: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def write_instant(instant: datetime) -> str:
    """UTC with microseconds and Z, so that strings sort by time."""
    in_utc = instant if instant.tzinfo is UTC else instant.astimezone(UTC)
    return in_utc.isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_minor(value: Any) -> int:
    """A whole number within ±2^53: 5.0 is valid, true is not. Raises GraphQLError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise GraphQLError("MinorUnits is a whole number of minor currency units.")
    if abs(value) > MAX_MINOR + 1:
        raise GraphQLError(f"MinorUnits must be within ±{MAX_MINOR + 1} (2^53).")
    return int(value)


def parse_currency(value: Any) -> str:
    """Checks only that it is a string: the domain checks the code, and reports a path."""
    if not isinstance(value, str):
        raise GraphQLError("A CurrencyCode is a string such as USD.")
    return value


SCALARS: Final[dict[object, ScalarDefinition]] = {
    Instant: strawberry.scalar(
        name="DateTime",
        description="An instant in UTC, RFC 3339, e.g. 2026-11-21T18:50:00.123456Z.",
        serialize=write_instant,
        parse_value=parse_instant,
    ),
    MinorUnits: strawberry.scalar(
        name="MinorUnits",
        description=(
            "A whole number of minor currency units (cents). A JSON number within ±2^53,"
            " so it is not limited to 32 bits."
        ),
        serialize=int,
        parse_value=parse_minor,
    ),
    CurrencyCode: strawberry.scalar(
        name="CurrencyCode",
        description="An ISO 4217 code, e.g. USD.",
        serialize=str,
        parse_value=parse_currency,
    ),
}
