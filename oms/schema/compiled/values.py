"""Values that are told, by the kind of their type: how what a resolver returned becomes JSON.

Each kind has `complete(value, path, run)`, which gives the JSON value, or a coroutine that will, where a field below
has to wait. It is never asked to complete None: what is null, or may not be, is its field's or list's to say.

What goes wrong is told as graphql-core tells it, in the same order. Resolvers raise exceptions and never return them,
and no list holds awaitables: graphql-core would take both, ours do neither, and it is not looked for.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from types import CoroutineType
from typing import Any, NamedTuple, NoReturn, Protocol

from graphql import FieldNode, GraphQLError, GraphQLObjectType
from graphql.pyutils import gather_with_cancel, inspect, is_iterable

from oms.schema.compiled.leaves import Nothing
from oms.schema.compiled.run import Path, Run, abandon
from oms.schema.cost import cost

Read = Callable[[Any, Run], Any]
"""From the object that a field belongs to, its value, or an awaitable of it."""

Waiting = list[tuple[Any, Coroutine[Any, Any, Any]]]
"""By their keys or indices, the values of an object or a list that are not there yet."""


class Kind(Protocol):
    """`exact`: values of just this Python type are JSON as they are."""

    exact: type

    def complete(self, value: Any, path: Path, run: Run, /) -> Any: ...


class ListOf:
    """`name` is its field's, as Type.field, and `nodes` where that is asked for. `required`: no entry may be null."""

    __slots__ = ("_kind", "_name", "_nodes", "_required")
    exact: type = Nothing

    def __init__(self, kind: Kind, name: str, nodes: Sequence[FieldNode], *, required: bool) -> None:
        self._kind = kind
        self._name = name
        self._nodes = nodes
        self._required = required

    def complete(self, values: Any, path: Path, run: Run) -> Any:
        if type(values) is not list and not is_iterable(values):
            raise GraphQLError(f"Expected Iterable, but did not find one for field '{self._name}'.")
        exact, complete = self._kind.exact, self._kind.complete
        told: list[Any] = []
        waiting: Waiting = []
        for index, value in enumerate(values):
            completed = value
            if type(value) is not exact:
                try:
                    if value is not None:
                        completed = complete(value, (path, index), run)
                        if type(completed) is CoroutineType:
                            waiting.append((index, self._settled(completed, (path, index), run)))
                    elif self._required:
                        refuse_null(self._name)
                except Exception as error:  # noqa: BLE001 - whatever it is, it stands among the errors
                    self._failed(error, (path, index), run, waiting)
                    completed = None
            told.append(completed)
        return _filled(told, waiting) if waiting else told

    async def _settled(self, completed: Awaitable[Any], path: Path, run: Run) -> Any:
        try:
            return await completed
        except Exception as error:  # noqa: BLE001 - as above
            self._failed(error, path, run)
            return None

    def _failed(self, error: Exception, path: Path, run: Run, others: Waiting | None = None) -> None:
        """`others` of the same list are not waited for, if this makes it null."""
        if others and self._required:
            abandon([coroutine for _, coroutine in others])
        run.failed(error, self._nodes, path, required=self._required)


class Way(NamedTuple):
    """To a field's value: it is in the `attribute` of the object that the field belongs to, or is `read` from that."""

    attribute: str | None
    read: Read


class Field:
    """A selected field. `name` is Type.field, as errors have it; `nodes` is where it is asked for."""

    __slots__ = ("key", "kind", "name", "nodes", "required", "way")

    def __init__(
        self, key: str, name: str, nodes: Sequence[FieldNode], kind: Kind, way: Way, *, required: bool
    ) -> None:
        self.key = key
        self.name = name
        self.nodes = nodes
        self.kind = kind
        self.way = way
        self.required = required

    async def told(self, source: Any, path: Path, run: Run) -> Any:
        """All of it, begun and ended before the next one."""
        try:
            value = self.way.read(source, run)
            if hasattr(type(value), "__await__"):
                value = await value
            return await self._completed(value, path, run)
        except Exception as error:  # noqa: BLE001 - whatever it is, it stands among the errors
            self.failed(error, path, run)
            return None

    async def awaited(self, value: Awaitable[Any], path: Path, run: Run) -> Any:
        """What its resolver has to wait for, and then all that is below it."""
        try:
            return await self._completed(await value, path, run)
        except Exception as error:  # noqa: BLE001 - as above
            self.failed(error, path, run)
            return None

    async def settled(self, completed: Awaitable[Any], path: Path, run: Run) -> Any:
        """What something below it has to wait for."""
        try:
            return await completed
        except Exception as error:  # noqa: BLE001 - as above
            self.failed(error, path, run)
            return None

    async def _completed(self, value: Any, path: Path, run: Run) -> Any:
        if type(value) is self.kind.exact:
            return value
        if value is None:
            return refuse_null(self.name) if self.required else None
        completed = self.kind.complete(value, (path, self.key), run)
        return await completed if type(completed) is CoroutineType else completed

    def failed(self, error: Exception, path: Path, run: Run, others: Waiting | None = None) -> None:
        """`others` of the same object are not waited for, if this makes it null."""
        if others and self.required:
            abandon([coroutine for _, coroutine in others])
        run.failed(error, self.nodes, (path, self.key), required=self.required)


class Selected:
    """What is selected of an object. All values of an answer go through the loop in `complete`."""

    __slots__ = ("_class", "_fields", "_nodes", "_rows", "_type")
    exact: type = Nothing

    def __init__(self, type_: GraphQLObjectType, class_: type, fields: Sequence[Field], nodes: Sequence[FieldNode]):
        """`class_`: those of this Python class are surely of the type."""
        self._type = type_
        self._class = class_
        self._nodes = nodes
        self._fields = fields
        self._rows = [(f.key, f.way.attribute, f.way.read, f.kind.exact, f.kind.complete, f) for f in fields]

    def complete(self, source: Any, path: Path, run: Run) -> Any:
        if type(source) is not self._class:
            self._require_own(source)
        run.told += len(self._rows)
        if run.told > cost.MAX_ANSWER_VALUES:
            raise cost.too_much_told()
        told: dict[str, Any] = {}
        waiting: Waiting = []
        for key, attribute, read, exact, complete, field in self._rows:
            try:
                if attribute is not None:
                    value = getattr(source, attribute)
                else:
                    value = read(source, run)
                    if hasattr(type(value), "__await__"):
                        told[key] = None  # in its place among the others
                        waiting.append((key, field.awaited(value, path, run)))
                        continue
                if type(value) is exact:
                    told[key] = value
                elif value is None:
                    told[key] = refuse_null(field.name) if field.required else None
                else:
                    told[key] = completed = complete(value, (path, key), run)
                    if type(completed) is CoroutineType:
                        waiting.append((key, field.settled(completed, path, run)))
            except Exception as error:  # noqa: BLE001 - whatever it is, it stands among the errors
                field.failed(error, path, run, waiting)
                told[key] = None
        return _filled(told, waiting) if waiting else told

    async def serially(self, run: Run) -> dict[str, Any]:
        """The root fields of a mutation: one after the other, and none after one that failed and may not be null."""
        return {field.key: await field.told(None, None, run) for field in self._fields}

    def _require_own(self, source: Any) -> None:
        is_type_of = self._type.is_type_of
        if is_type_of is not None and not is_type_of(source, None):  # type: ignore[arg-type]  # Strawberry asks it nothing
            raise GraphQLError(f"Expected value of type '{self._type}' but got: {inspect(source)}.", self._nodes)


class AnyOf:
    """One of several types, told by the Python class of the value."""

    __slots__ = ("_selected",)
    exact: type = Nothing

    def __init__(self, selected: Mapping[type, Selected]) -> None:
        self._selected = selected

    def complete(self, value: Any, path: Path, run: Run) -> Any:
        return self._selected[type(value)].complete(value, path, run)


def refuse_null(name: str) -> NoReturn:
    raise TypeError(f"Cannot return null for non-nullable field {name}.")


async def _filled(told: Any, waiting: Waiting) -> Any:
    """The list or dict with the values that were waited for in their places."""
    if len(waiting) == 1:
        [(place, coroutine)] = waiting
        told[place] = await coroutine
        return told
    coroutines = [coroutine for _, coroutine in waiting]
    values = await gather_with_cancel(*coroutines)
    for (place, _), value in zip(waiting, values, strict=True):
        told[place] = value
    return told
