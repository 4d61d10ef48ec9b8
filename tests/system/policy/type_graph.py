"""Paths through the schema, from its queries to each of its fields."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final

from graphql import GraphQLInterfaceType, GraphQLObjectType, get_named_type

from oms.schema.schema import schema

GRAPH: Final = schema._schema
ROOTS: Final = ("Query", "Mutation", "Subscription")

Step = tuple[str, str]
"""A type and one of its fields."""

Way = tuple[Step, ...]


def object_types() -> dict[str, GraphQLObjectType]:
    """All but those of introspection."""
    types = {name: type_ for name, type_ in GRAPH.type_map.items() if isinstance(type_, GraphQLObjectType)}
    return {name: type_ for name, type_ in types.items() if not name.startswith("__")}


TYPES: Final = object_types()


def target(step: Step) -> GraphQLObjectType | None:
    type_ = get_named_type(TYPES[step[0]].fields[step[1]].type)
    return type_ if isinstance(type_, GraphQLObjectType) else None


def ways(passable: Callable[[Step], bool]) -> dict[str, Way]:
    """The shortest path from Query to each type that passable steps reach."""
    found: dict[str, Way] = {"Query": ()}
    waiting = deque(found)
    while waiting:
        name = waiting.popleft()
        for field in TYPES[name].fields:
            step = (name, field)
            reached = target(step)
            if reached and reached.name not in found and passable(step):
                found[reached.name] = (*found[name], step)
                waiting.append(reached.name)
    return found


def document(way: Way, arguments: str = "") -> str:
    """A query along the path; of an object at its end it selects the type only."""
    last = get_named_type(TYPES[way[-1][0]].fields[way[-1][1]].type)
    inner = "{ __typename }" if isinstance(last, GraphQLObjectType | GraphQLInterfaceType) else ""
    for name, field in reversed(way):
        inner = f"{{ {field}{arguments if name == 'Query' else ''} {inner} }}"
    return inner


def values(data: Any, way: Way) -> Iterator[Any]:
    """The values at the end of the path, one for each branch of the lists on it."""
    if isinstance(data, list):
        for entry in data:
            yield from values(entry, way)
    elif not way or data is None:
        yield data
    else:
        yield from values(data[way[0][1]], way[1:])
