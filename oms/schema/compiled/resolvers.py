"""Resolvers of selected fields: Strawberry's, without its wrapping."""

from collections.abc import Callable, Mapping, Sequence
from types import FunctionType
from typing import Any

import strawberry
from graphql import FieldNode, FragmentDefinitionNode, GraphQLField, GraphQLInputType
from strawberry.types.field import StrawberryField

from oms.schema.compiled.arguments import Arguments
from oms.schema.compiled.eager import started
from oms.schema.compiled.guards import Guarded
from oms.schema.compiled.inputs import BACKREF
from oms.schema.compiled.run import FieldInfo, FieldNodes, Run
from oms.schema.compiled.uncompiled import Uncompiled
from oms.schema.compiled.values import Read, Source


class Resolvers:
    """Those of one operation's fields. `variable_types`: by name, the declared types of its variables."""

    def __init__(self, schema: strawberry.Schema, variable_types: Mapping[str, GraphQLInputType],
                 fragments: Mapping[str, FragmentDefinitionNode]) -> None:  # fmt: skip
        if schema.config.default_resolver is not getattr or schema.exception_handlers:
            raise Uncompiled("a schema with a default resolver or exception handlers of its own")
        self._schema = schema
        self._variable_types = variable_types
        self._fragments = fragments

    def source(self, defined: GraphQLField, nodes: Sequence[FieldNode]) -> Source:
        """Raises Uncompiled."""
        resolve, guards = defined.resolve, []
        while isinstance(resolve, Guarded):
            guards.append(resolve)
            resolve = resolve.resolve
        own = defined.extensions.get(BACKREF)
        if not isinstance(own, StrawberryField) or own.extensions or not hasattr(resolve, "_is_default"):
            raise Uncompiled("a field with a resolver that is not Strawberry's")
        source = self._unguarded(own, defined, nodes)
        for guarded in reversed(guards):
            source = Source(None, _guarded(source.read, guarded))
        return source

    def _unguarded(self, own: StrawberryField, defined: GraphQLField, nodes: Sequence[FieldNode]) -> Source:
        resolver = own.base_resolver
        if resolver is None:
            return Source(own.python_name, _attribute(own.python_name))
        function, info = resolver.wrapped_func, resolver.info_parameter
        if not isinstance(function, FunctionType) or resolver.root_parameter:
            raise Uncompiled("a resolver that is not a function of its object")
        if (resolver.self_parameter or resolver.parent_parameter) != next(
            iter(resolver.signature.parameters.values()), None
        ):
            raise Uncompiled("a resolver whose first parameter is not its object")
        arguments = Arguments(self._schema, self._variable_types, defined, own, nodes[0])
        if info:
            return Source(None, _with_info(function, info.name, FieldNodes(nodes, self._fragments), arguments))
        read = _with_arguments(function, arguments) if arguments else _plain(function)
        return Source(None, _started(read) if resolver.is_async else read)


def _attribute(name: str) -> Read:
    return lambda source, _run: getattr(source, name)


def _plain(function: Callable[..., Any]) -> Read:
    return lambda source, _run: function(source)


def _with_arguments(function: Callable[..., Any], arguments: Arguments) -> Read:
    return lambda source, run: function(source, **arguments.of(run))


def _started(read: Read) -> Read:
    """For resolvers without `info`: they wait for loaders only, and never set a timeout."""
    return lambda source, run: started(read(source, run))


def _with_info(function: Callable[..., Any], info_name: str, nodes: FieldNodes, arguments: Arguments) -> Read:
    def read(source: Any, run: Run) -> Any:
        values = arguments.of(run)
        values[info_name] = FieldInfo(run.context, nodes, run.variables)
        return function(source, **values)

    return read


def _guarded(read: Read, guarded: Guarded) -> Read:
    guard = guarded.guard

    def refusing(source: Any, run: Run) -> Any:
        if not run.allows(guard):
            raise guard.refusal(run.context)
        return read(source, run)

    def nulling(source: Any, run: Run) -> Any:
        return read(source, run) if run.allows(guard) else None

    return nulling if guarded.is_silent else refusing
