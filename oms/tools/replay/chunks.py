"""Splits a sequence into parts that fit one request."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Parts of up to `size` values, in order."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
