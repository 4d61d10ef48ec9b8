"""One execution of a plan: its context and variables, its errors so far, and what resolvers may ask."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from weakref import WeakKeyDictionary

from graphql import FieldNode, FragmentDefinitionNode, GraphQLError, located_error

from oms.schema.compiled.guards import Guard
from oms.schema.compiled.selection import Selection

Path = tuple[Any, str | int] | None
"""A place in the result: the path of its parent, and its own key or index. A linked list, because a path is made for
every object and read only for errors."""


VALUES_PER_TURN: Final = 2_000
"""Values of a result that are completed at once, in some 2 ms."""

_turns: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]] = WeakKeyDictionary()


async def next_turn() -> None:
    """Lets others run before a long result goes on. Of all long results, one goes on in each round of the loop."""
    async with _turns.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class ResultLimit:
    """`max_values`: how many values a result may have. `exceeded` makes the error for more than so many."""

    max_values: int
    exceeded: Callable[[int], GraphQLError]


class FieldNodes:
    """A selected field of a document: its nodes, which are merged into one."""

    def __init__(self, nodes: Sequence[FieldNode], fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self.field_name = nodes[0].name.value
        self._nodes = nodes
        self._fragments = fragments

    @cached_property
    def selection(self) -> Selection:
        return Selection.of(self._nodes, self._fragments)


class FieldInfo:
    """What a resolver may ask about the operation and its own field."""

    __slots__ = ("_nodes", "context", "variable_values")

    def __init__(self, context: Any, nodes: FieldNodes, variable_values: Mapping[str, Any]) -> None:
        self.context = context
        self.variable_values = variable_values
        self._nodes = nodes

    @property
    def field_name(self) -> str:
        return self._nodes.field_name

    @property
    def selection(self) -> Selection:
        """What is selected below the field."""
        return self._nodes.selection


class Run:
    """`variables` are as resolvers take them. `values`: how many values the result has so far.

    Lists pause when `values` reaches `pause_at`.
    """

    __slots__ = (
        "_allowed", "_nulled", "context", "errors", "hide_suggestions", "limit", "pause_at", "values", "variables"
    )  # fmt: skip

    def __init__(
        self, context: Any, variables: Mapping[str, Any], limit: ResultLimit, *, hide_suggestions: bool
    ) -> None:
        self.context = context
        self.variables = variables
        self.limit = limit
        self.hide_suggestions = hide_suggestions
        self.values = 0
        self.pause_at = VALUES_PER_TURN
        self.errors: list[GraphQLError] = []
        self._allowed: dict[Guard, bool] = {}
        self._nulled: set[tuple[str | int, ...]] = set()

    async def pause(self) -> None:
        await next_turn()
        self.pause_at = self.values + VALUES_PER_TURN

    def allows(self, guard: Guard) -> bool:
        """The same for the whole run."""
        allowed = self._allowed.get(guard)
        if allowed is None:
            allowed = self._allowed[guard] = guard.allows(self.context)
        return allowed

    def failed(self, error: Exception, nodes: Sequence[FieldNode], path: Path, *, required: bool) -> None:
        """Records the error of a value that becomes null. Raises it, with its place, if the value must not be null."""
        located = located_error(error, nodes, keys(path))
        if required:
            raise located
        self.note(located, path)

    def note(self, error: GraphQLError, path: Path) -> None:
        """Ignores errors within a value that is null already."""
        place = tuple(keys(path))
        if not any(place[:length] in self._nulled for length in range(len(place) + 1)):
            self._nulled.add(place)
            self.errors.append(error)


def keys(path: Path) -> list[str | int]:
    """From the root down."""
    found: list[str | int] = []
    while path is not None:
        path, key = path
        found.append(key)
    found.reverse()
    return found


def abandon(coroutines: Sequence[Coroutine[Any, Any, Any]]) -> None:
    """Lets the coroutines end although nobody awaits their results any more."""
    future = asyncio.gather(*coroutines, return_exceptions=True)
    _ABANDONED.add(future)
    future.add_done_callback(_ABANDONED.discard)


_ABANDONED: Final[set[asyncio.Future[Any]]] = set()
"""The event loop keeps only weak references."""
