"""Resolvers that run only if a guard allows it, in both ways of execution."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from graphql import GraphQLResolveInfo


class Guard(Protocol):
    """Decides by the context of the operation. A plan asks each guard object once per execution."""

    def allows(self, context: Any, /) -> bool: ...

    def refusal(self, context: Any, /) -> Exception:
        """What to raise if it does not allow it."""
        ...


@dataclass(frozen=True, slots=True)
class Guarded:
    """A resolver behind a guard. `is_silent`: without permission the field is null; otherwise it is an error."""

    resolve: Callable[..., Any]
    guard: Guard
    is_silent: bool

    def __call__(self, source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        if not self.guard.allows(info.context):
            if self.is_silent:
                return None
            raise self.guard.refusal(info.context)
        return self.resolve(source, info, **arguments)
