"""Arguments of resolvers: literals are converted once, variables for each execution."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

import strawberry
from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLInputType,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    ValueNode,
    VariableNode,
    get_named_type,
    is_input_object_type,
    is_non_null_type,
)
from graphql.execution.values import VariableValues, get_argument_values
from graphql.utilities.coerce_input_value import coerce_default_value, coerce_input_literal
from strawberry.types.arguments import StrawberryArgument, convert_argument
from strawberry.types.field import StrawberryField

from oms.schema.compiled.run import Run
from oms.schema.compiled.uncompiled import Uncompiled

Make = Callable[[Run], Any]

_ABSENT: Final = object()


class Arguments:
    """Of one selected field of a document."""

    def __init__(self, schema: strawberry.Schema, variable_types: Mapping[str, GraphQLInputType],
                 definition: GraphQLField, own: StrawberryField, node: FieldNode) -> None:  # fmt: skip
        """Raises Uncompiled."""
        self._schema = schema
        self._variable_types = variable_types
        self._definition = definition
        self._node = node
        self._constant: dict[str, Any] = {}
        self._made: list[tuple[str, Make]] = []
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        for argument in own.arguments:
            name = schema.config.name_converter.from_argument(argument)
            self._add(argument, definition.args[name], given.get(name))

    def __bool__(self) -> bool:
        return bool(self._constant or self._made)

    def of(self, run: Run) -> dict[str, Any]:
        """Raises GraphQLError if a variable is null and the argument must not be."""
        values = dict(self._constant)
        for name, make in self._made:
            value = make(run)
            if value is not _ABSENT:
                values[name] = value
        return values

    def _add(self, argument: StrawberryArgument, defined: GraphQLArgument, given: ValueNode | None) -> None:
        if given is None:
            self._add_constant(argument, coerce_default_value(defined))
        elif isinstance(given, VariableNode):
            self._made.append((argument.python_name, self._of_variable(argument, defined, given.name.value)))
        elif names := _variables_in(given):
            if any(is_input_object_type(get_named_type(self._variable_types[name])) for name in names):
                raise Uncompiled("a variable of an input object type within a literal")
            self._made.append((argument.python_name, self._of_literal(argument, defined, given)))
        else:
            value = coerce_input_literal(given, defined.type)
            if value is Undefined:
                raise Uncompiled(f"a literal that is not a {defined.type}")
            self._add_constant(argument, value)

    def _add_constant(self, argument: StrawberryArgument, value: Any) -> None:
        """Lists and objects are made for each execution, so that no resolver can change them for the next."""
        if isinstance(value, list | dict):
            self._made.append((argument.python_name, lambda _run: self._converted(argument, value)))
        elif value is not Undefined:
            self._constant[argument.python_name] = value

    def _of_variable(self, argument: StrawberryArgument, defined: GraphQLArgument, name: str) -> Make:
        default = coerce_default_value(defined)
        required = is_non_null_type(defined.type)

        def make(run: Run) -> Any:
            value = run.variables.get(name, _ABSENT)
            if value is _ABSENT and default is not Undefined:
                return self._converted(argument, default)
            if required and (value is None or value is _ABSENT):
                self._refuse(run)
            return value

        return make

    def _of_literal(self, argument: StrawberryArgument, defined: GraphQLArgument, given: ValueNode) -> Make:
        def make(run: Run) -> Any:
            value = coerce_input_literal(given, defined.type, VariableValues({}, dict(run.variables)))
            if value is Undefined:
                self._refuse(run)
            return self._converted(argument, value)

        return make

    def _converted(self, argument: StrawberryArgument, value: Any) -> Any:
        scalars = self._schema.schema_converter.scalar_registry
        return convert_argument(value, argument.type, scalars, self._schema.config)

    def _refuse(self, run: Run) -> NoReturn:
        """Raises the error of graphql-core."""
        get_argument_values(
            self._definition,
            self._node,
            VariableValues({}, dict(run.variables)),
            hide_suggestions=run.hide_suggestions,
        )
        raise RuntimeError(f"graphql-core accepts these arguments: {self._node.name.value}")


def _variables_in(value: ValueNode) -> set[str]:
    match value:
        case VariableNode():
            return {value.name.value}
        case ListValueNode():
            return set[str]().union(*map(_variables_in, value.values))
        case ObjectValueNode():
            return set[str]().union(*(_variables_in(field.value) for field in value.fields))
    return set()
