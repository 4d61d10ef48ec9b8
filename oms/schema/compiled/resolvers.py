"""How the value of a field is got from the object that it belongs to: Strawberry's resolvers without their wrapping."""

from collections.abc import Callable, Mapping, Sequence
from types import FunctionType
from typing import Any

import strawberry
from graphql import FieldNode, FragmentDefinitionNode, GraphQLField, GraphQLInputType
from strawberry.types.field import StrawberryField

from oms.domain.access.permissions import require
from oms.schema.compiled.arguments import Arguments
from oms.schema.compiled.beginning import begun
from oms.schema.compiled.inputs import BACKREF
from oms.schema.compiled.run import Asked, Place, Run
from oms.schema.compiled.uncompiled import Uncompiled
from oms.schema.compiled.values import Read, Way
from oms.schema.runtime.field_permissions import Guarded


class Resolvers:
    """Those of one operation's fields. `variable_types`: what its variables are declared to be."""

    def __init__(self, schema: strawberry.Schema, variable_types: Mapping[str, GraphQLInputType],
                 fragments: Mapping[str, FragmentDefinitionNode]) -> None:  # fmt: skip
        if schema.config.default_resolver is not getattr or schema.exception_handlers:
            raise Uncompiled("a schema that resolves in its own way")
        self._schema = schema
        self._variable_types = variable_types
        self._fragments = fragments

    def way(self, defined: GraphQLField, nodes: Sequence[FieldNode]) -> Way:
        """Raises Uncompiled."""
        resolve, guards = defined.resolve, []
        while isinstance(resolve, Guarded):
            guards.append(resolve)
            resolve = resolve.resolve
        own = defined.extensions.get(BACKREF)
        if not isinstance(own, StrawberryField) or own.extensions or not hasattr(resolve, "_is_default"):
            raise Uncompiled("a field that is resolved in its own way")
        way = self._unguarded(own, defined, nodes)
        for guarded in reversed(guards):
            way = Way(None, _guarded(way.read, guarded))
        return way

    def _unguarded(self, own: StrawberryField, defined: GraphQLField, nodes: Sequence[FieldNode]) -> Way:
        resolver = own.base_resolver
        if resolver is None:
            return Way(own.python_name, _attribute(own.python_name))
        function, info = resolver.wrapped_func, resolver.info_parameter
        if not isinstance(function, FunctionType) or not resolver.self_parameter:
            raise Uncompiled("a resolver that is no method")
        if resolver.parent_parameter or resolver.root_parameter:
            raise Uncompiled("a resolver that takes what it belongs to in another way")
        arguments = Arguments(self._schema, self._variable_types, defined, own, nodes[0])
        if info:
            return Way(None, _asking(function, info.name, Place(nodes, self._fragments), arguments))
        read = _with_arguments(function, arguments) if arguments else _plain(function)
        return Way(None, _beginning(read) if resolver.is_async else read)


def _attribute(name: str) -> Read:
    return lambda source, _run: getattr(source, name)


def _plain(function: Callable[..., Any]) -> Read:
    return lambda source, _run: function(source)


def _with_arguments(function: Callable[..., Any], arguments: Arguments) -> Read:
    return lambda source, run: function(source, **arguments.of(run))


def _beginning(read: Read) -> Read:
    """For resolvers that take no `info`, and so have nothing to wait for but loaders: they hold no database."""
    return lambda source, run: begun(read(source, run))


def _asking(function: Callable[..., Any], info_name: str, place: Place, arguments: Arguments) -> Read:
    def read(source: Any, run: Run) -> Any:
        values = arguments.of(run)
        values[info_name] = Asked(run.context, place, run.variables)
        return function(source, **values)

    return read


def _guarded(read: Read, guarded: Guarded) -> Read:
    """As oms.schema.runtime.field_permissions has it; of what the viewer may, each run asks once."""
    need = guarded.need

    def refusing(source: Any, run: Run) -> Any:
        if not run.may(need):
            require(run.context.viewer, need)
        return read(source, run)

    def nulling(source: Any, run: Run) -> Any:
        return read(source, run) if run.may(need) else None

    return nulling if guarded.is_silent else refusing
