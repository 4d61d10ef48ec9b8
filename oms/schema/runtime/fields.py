"""Strawberry's decorators for fields with a description, typed: what they decorate keeps its type."""

from collections.abc import Callable
from typing import TypeVar

import strawberry

F = TypeVar("F", bound=Callable[..., object])


def field(description: str) -> Callable[[F], F]:
    decorate: Callable[[F], F] = strawberry.field(description=description)
    return decorate


def mutation(description: str) -> Callable[[F], F]:
    decorate: Callable[[F], F] = strawberry.mutation(description=description)
    return decorate


def subscription(description: str) -> Callable[[F], F]:
    decorate: Callable[[F], F] = strawberry.subscription(description=description)
    return decorate
