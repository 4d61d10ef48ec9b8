"""Values of a result, by the kind of their type: how what a resolver returned becomes JSON.

Each kind has `complete(value, path, run)`, which returns the JSON value, or a coroutine of it if a field below has to
wait, or a list is so long that others must run meanwhile. It never gets None: fields and lists decide about null.

Errors are those of graphql-core, in the same order. Resolvers raise exceptions and do not return them, and no list
holds awaitables: graphql-core supports both, no schema here needs it.
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from types import CoroutineType
from typing import Any, NamedTuple, NoReturn, Protocol

from graphql import FieldNode, GraphQLError, GraphQLObjectType
from graphql.pyutils import gather_with_cancel, inspect, is_iterable

from oms.schema.compiled.leaves import NoValue
from oms.schema.compiled.run import Path, Run, abandon

Read = Callable[[Any, Run], Any]
"""From the object, the value of a field, or an awaitable of it."""

Waiting = list[tuple[Any, Coroutine[Any, Any, Any]]]
"""Values of an object or a list that are still awaited, by key or index."""


class Kind(Protocol):
    """`exact`: values of exactly this Python type are JSON already."""

    exact: type

    def complete(self, value: Any, path: Path, run: Run, /) -> Any: ...


class ListOf:
    """`name`: of the field, as Type.field. `nodes`: where it is selected. `required`: no entry may be null."""

    __slots__ = ("_kind", "_name", "_nodes", "_required")
    exact: type = NoValue

    def __init__(self, kind: Kind, name: str, nodes: Sequence[FieldNode], *, required: bool) -> None:
        self._kind = kind
        self._name = name
        self._nodes = nodes
        self._required = required

    def complete(self, values: Any, path: Path, run: Run) -> Any:
        if type(values) is not list and not is_iterable(values):
            raise GraphQLError(f"Expected Iterable, but did not find one for field '{self._name}'.")
        entries: list[Any] = []
        waiting: Waiting = []
        rest = iter(values)
        if self._complete_some(rest, entries, waiting, path, run):
            return self._complete_rest(rest, entries, waiting, path, run)
        return _filled(entries, waiting) if waiting else entries

    async def _complete_rest(
        self, rest: Iterator[Any], entries: list[Any], waiting: Waiting, path: Path, run: Run
    ) -> list[Any]:
        await run.pause()
        while self._complete_some(rest, entries, waiting, path, run):
            await run.pause()
        return await _filled(entries, waiting) if waiting else entries

    def _complete_some(self, rest: Iterator[Any], entries: list[Any], waiting: Waiting, path: Path, run: Run) -> bool:
        """Appends values to the entries until all are complete, or a pause is due: then it returns True."""
        exact, complete = self._kind.exact, self._kind.complete
        for index, value in enumerate(rest, len(entries)):
            completed = value
            if type(value) is not exact:
                try:
                    if value is not None:
                        completed = complete(value, (path, index), run)
                        if type(completed) is CoroutineType:
                            waiting.append((index, self._settled(completed, (path, index), run)))
                    elif self._required:
                        refuse_null(self._name)
                except Exception as error:  # noqa: BLE001 - every error becomes one of the result
                    self._failed(error, (path, index), run, waiting)
                    completed = None
            entries.append(completed)
            if run.values >= run.pause_at:
                return True
        return False

    async def _settled(self, completed: Awaitable[Any], path: Path, run: Run) -> Any:
        try:
            return await completed
        except Exception as error:  # noqa: BLE001 - as above
            self._failed(error, path, run)
            return None

    def _failed(self, error: Exception, path: Path, run: Run, others: Waiting | None = None) -> None:
        """`others` of the same list are abandoned if this makes it null."""
        if others and self._required:
            abandon([coroutine for _, coroutine in others])
        run.failed(error, self._nodes, path, required=self._required)


class Source(NamedTuple):
    """Where a field's value comes from: the `attribute` of its object; if that is None, `read` computes it."""

    attribute: str | None
    read: Read


class Field:
    """A selected field. `name`: as Type.field, for errors. `nodes`: where it is selected."""

    __slots__ = ("key", "kind", "name", "nodes", "required", "source")

    def __init__(
        self, key: str, name: str, nodes: Sequence[FieldNode], kind: Kind, source: Source, *, required: bool
    ) -> None:
        self.key = key
        self.name = name
        self.nodes = nodes
        self.kind = kind
        self.source = source
        self.required = required

    async def resolved(self, source: Any, path: Path, run: Run) -> Any:
        """The whole value; for root fields of mutations, which run one after the other."""
        try:
            value = self.source.read(source, run)
            if hasattr(type(value), "__await__"):
                value = await value
            return await self._completed(value, path, run)
        except Exception as error:  # noqa: BLE001 - every error becomes one of the result
            self.failed(error, path, run)
            return None

    async def awaited(self, value: Awaitable[Any], path: Path, run: Run) -> Any:
        """Awaits the value that the resolver returned, then everything below it."""
        try:
            return await self._completed(await value, path, run)
        except Exception as error:  # noqa: BLE001 - as above
            self.failed(error, path, run)
            return None

    async def settled(self, completed: Awaitable[Any], path: Path, run: Run) -> Any:
        """Awaits fields below."""
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
        """`others` of the same object are abandoned if this makes it null."""
        if others and self.required:
            abandon([coroutine for _, coroutine in others])
        run.failed(error, self.nodes, (path, self.key), required=self.required)


class Selected:
    """The selected fields of an object. Every value of a result goes through the loop in `complete`."""

    __slots__ = ("_class", "_fields", "_nodes", "_rows", "_type")
    exact: type = NoValue

    def __init__(self, type_: GraphQLObjectType, class_: type, fields: Sequence[Field], nodes: Sequence[FieldNode]):
        """`class_`: objects of exactly this Python class are of the type."""
        self._type = type_
        self._class = class_
        self._nodes = nodes
        self._fields = fields
        self._rows = [(f.key, f.source.attribute, f.source.read, f.kind.exact, f.kind.complete, f) for f in fields]

    def complete(self, source: Any, path: Path, run: Run) -> Any:
        if type(source) is not self._class:
            self._require_own(source)
        run.values += len(self._rows)
        if run.values > run.limit.max_values:
            raise run.limit.exceeded(run.limit.max_values)
        result: dict[str, Any] = {}
        waiting: Waiting = []
        for key, attribute, read, exact, complete, field in self._rows:
            try:
                if attribute is not None:
                    value = getattr(source, attribute)
                else:
                    value = read(source, run)
                    if hasattr(type(value), "__await__"):
                        result[key] = None  # keeps its place among the others
                        waiting.append((key, field.awaited(value, path, run)))
                        continue
                if type(value) is exact:
                    result[key] = value
                elif value is None:
                    result[key] = refuse_null(field.name) if field.required else None
                else:
                    result[key] = completed = complete(value, (path, key), run)
                    if type(completed) is CoroutineType:
                        waiting.append((key, field.settled(completed, path, run)))
            except Exception as error:  # noqa: BLE001 - every error becomes one of the result
                field.failed(error, path, run, waiting)
                result[key] = None
        return _filled(result, waiting) if waiting else result

    async def serially(self, run: Run) -> dict[str, Any]:
        """The root fields of a mutation, one after the other; none after one that failed and must not be null."""
        return {field.key: await field.resolved(None, None, run) for field in self._fields}

    def _require_own(self, source: Any) -> None:
        is_type_of = self._type.is_type_of
        if is_type_of is not None and not is_type_of(source, None):  # type: ignore[arg-type]  # Strawberry does not use the info
            raise GraphQLError(f"Expected value of type '{self._type}' but got: {inspect(source)}.", self._nodes)


class AnyOf:
    """One of several types, recognized by the Python class of the value."""

    __slots__ = ("_selected",)
    exact: type = NoValue

    def __init__(self, selected: Mapping[type, Selected]) -> None:
        self._selected = selected

    def complete(self, value: Any, path: Path, run: Run) -> Any:
        return self._selected[type(value)].complete(value, path, run)


def refuse_null(name: str) -> NoReturn:
    raise TypeError(f"Cannot return null for non-nullable field {name}.")


async def _filled(result: Any, waiting: Waiting) -> Any:
    """The list or dict, with the awaited values in their places."""
    if len(waiting) == 1:
        [(place, coroutine)] = waiting
        result[place] = await coroutine
        return result
    coroutines = [coroutine for _, coroutine in waiting]
    values = await gather_with_cancel(*coroutines)
    for (place, _), value in zip(waiting, values, strict=True):
        result[place] = value
    return result
