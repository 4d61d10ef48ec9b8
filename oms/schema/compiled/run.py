"""One execution of a plan: for whom, with which variables, and what has gone wrong so far."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

from graphql import FieldNode, FragmentDefinitionNode, GraphQLError, located_error

from oms.domain.access.permissions import may
from oms.domain.vocabulary.permission import Permission
from oms.schema.runtime.context import Context
from oms.schema.runtime.selection import Below

Path = tuple[Any, str | int] | None
"""Where in the answer: the path of what is around it, and its key or index there. Made of links, because it is made
for every object and read only where something goes wrong."""


class Place:
    """A field where it stands in a document."""

    def __init__(self, nodes: Sequence[FieldNode], fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self.field_name = nodes[0].name.value
        self._nodes = nodes
        self._fragments = fragments

    @cached_property
    def below(self) -> Below:
        return Below.of(self._nodes, self._fragments)


class Asked:
    """Stands in for Strawberry's Info: what our resolvers ask of it, and nothing else."""

    __slots__ = ("_place", "context", "variable_values")

    def __init__(self, context: Context, place: Place, variable_values: Mapping[str, Any]) -> None:
        self.context = context
        self.variable_values = variable_values
        self._place = place

    @property
    def field_name(self) -> str:
        return self._place.field_name

    @property
    def below(self) -> Below:
        """What is selected below the field."""
        return self._place.below


class Run:
    """`variables` are as resolvers take them. `told` counts values: an answer may not grow past MAX_ANSWER_VALUES."""

    __slots__ = ("_allowed", "_nulled", "context", "errors", "hides_suggestions", "told", "variables")

    def __init__(self, context: Context, variables: Mapping[str, Any], *, hides_suggestions: bool) -> None:
        self.context = context
        self.variables = variables
        self.hides_suggestions = hides_suggestions
        self.told = 0
        self.errors: list[GraphQLError] = []
        self._allowed: dict[Permission, bool] = {}
        self._nulled: set[tuple[str | int, ...]] = set()

    def may(self, need: Permission) -> bool:
        """Whether the viewer is allowed it; the same for the whole run."""
        allowed = self._allowed.get(need)
        if allowed is None:
            allowed = self._allowed[need] = may(self.context.viewer, need)
        return allowed

    def failed(self, error: Exception, nodes: Sequence[FieldNode], path: Path, *, required: bool) -> None:
        """What could not be told is null, and has its error; where it can't be null, what is around it can't be told.

        So a required value's error is raised again, with the place where it came about.
        """
        located = located_error(error, nodes, keys(path))
        if required:
            raise located
        self.note(located, path)

    def note(self, error: GraphQLError, path: Path) -> None:
        """Of what stands in something that is null already, nothing more is told."""
        place = tuple(keys(path))
        if not any(place[:length] in self._nulled for length in range(len(place) + 1)):
            self._nulled.add(place)
            self.errors.append(error)


def keys(path: Path) -> list[str | int]:
    """From the root on, as the answer has it."""
    found: list[str | int] = []
    while path is not None:
        path, key = path
        found.append(key)
    found.reverse()
    return found


def abandon(coroutines: Sequence[Coroutine[Any, Any, Any]]) -> None:
    """Lets what was begun come to its end; nobody waits for it any more."""
    future = asyncio.gather(*coroutines, return_exceptions=True)
    _ABANDONED.add(future)
    future.add_done_callback(_ABANDONED.discard)


_ABANDONED: Final[set[asyncio.Future[Any]]] = set()
"""Kept, for the event loop itself would forget them."""
