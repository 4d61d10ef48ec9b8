"""What the scalars accept and how they are written."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from graphql import GraphQLError

from oms.schema.runtime.scalars import parse_instant, parse_minor, write_instant

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T12:00:00Z",
        "2026-11-21T12:00:00.000000Z",
        "2026-11-21T12:00:00+00:00",
        "2026-11-21T14:00:00+02:00",
        "2026-11-21t12:00:00z",
    ],
)
def test_a_datetime_may_have_any_offset(text: str) -> None:
    assert parse_instant(text) == NOON
    assert parse_instant(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "noon",
        "2026-11-21",
        "2026-11-21T12:00:00",
        "2026-02-30T12:00:00Z",
        "9999-12-31T23:59:59-14:00",
        5,
        None,
        True,
    ],
)
def test_anything_else_is_not_a_datetime(text: Any) -> None:
    with pytest.raises(GraphQLError):
        parse_instant(text)


def test_datetimes_are_serialized_in_utc_with_microseconds() -> None:
    assert write_instant(NOON) == "2026-11-21T12:00:00.000000Z"
    assert write_instant(NOON.astimezone(timezone(timedelta(hours=5)))) == "2026-11-21T12:00:00.000000Z"


@pytest.mark.parametrize(("value", "minor"), [(0, 0), (-5, -5), (5.0, 5), (2**53, 2**53), (-(2**53), -(2**53))])
def test_minor_units_are_whole_numbers(value: Any, minor: int) -> None:
    parsed = parse_minor(value)
    assert parsed == minor
    assert type(parsed) is int


@pytest.mark.parametrize(
    "value", [True, False, 0.5, "5", None, 2**53 + 1, -(2**53) - 1, float("inf"), float("nan"), 1e300, [1]]
)
def test_anything_else_is_not_an_amount(value: Any) -> None:
    with pytest.raises(GraphQLError):
        parse_minor(value)
