"""Values that come in: from the JSON of a variable to what resolvers take, in one step.

graphql-core first makes dicts of input objects, with their defaults, and Strawberry then makes its input classes of
them, each looking every type up. Here both are done at once, by functions that are put together once for each type.
They only tell good values from bad ones: why a value is bad says graphql-core.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING
from typing import Any, Final

from graphql import (
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLSchema,
    Undefined,
    VariableDefinitionNode,
    get_named_type,
    is_input_object_type,
    is_input_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
    type_from_ast,
)
from graphql.execution.get_variable_signature import get_variable_signature
from graphql.pyutils import is_iterable
from graphql.utilities.coerce_input_value import coerce_default_value
from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import StrawberryMaybe, StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from oms.schema.compiled.leaves import Nothing
from oms.schema.compiled.uncompiled import Uncompiled

Take = Callable[[Any], Any]
"""From a JSON value that is not null. Raises an exception for what is no value of the type."""

BACKREF: Final = "strawberry-definition"
"""Under which GraphQL's types and fields have Strawberry's definitions of them."""

_EXACT: Final[Mapping[str, type]] = {"String": str, "ID": str, "Boolean": bool}
"""By scalar, the Python type of which values are taken as they are."""


class BadValue(Exception):
    """What it should have been, graphql-core says."""


class Inputs:
    """How the values of a schema's input types are taken, worked out once for each type."""

    def __init__(self, config: StrawberryConfig) -> None:
        self._name_of = config.name_converter.from_field
        self._objects: dict[str, Take | None] = {}

    def take(self, type_: GraphQLInputType) -> Take:
        """Of a type or its non-null. Raises Uncompiled."""
        bare = type_.of_type if is_non_null_type(type_) else type_
        if is_list_type(bare):
            return _list(self.take(bare.of_type), required=is_non_null_type(bare.of_type))
        if is_input_object_type(bare):
            return self._object(bare)
        if not is_leaf_type(bare):
            raise Uncompiled(f"no input type: {bare}")
        return bare.coerce_input_value

    def _object(self, type_: GraphQLInputObjectType) -> Take:
        if type_.name not in self._objects:
            self._objects[type_.name] = None
            self._objects[type_.name] = self._made(type_)
        take = self._objects[type_.name]
        if take is None:
            raise Uncompiled(f"an input type within itself: {type_}")
        return take

    def _made(self, type_: GraphQLInputObjectType) -> Take:
        definition: StrawberryObjectDefinition = type_.extensions[BACKREF]
        if definition.from_input is not None or definition.is_one_of:
            raise Uncompiled(f"an input type that is made in its own way: {type_}")
        own = {self._name_of(field): field for field in definition.fields}
        rows = {}
        presets = {}
        for name, field in type_.fields.items():
            rows[name] = (own[name].python_name, exact(field.type), self.take(field.type), is_non_null_type(field.type))
            if not is_required_input_field(field):
                presets[own[name].python_name] = _preset(field, own[name])
        return _input_object(definition.origin, rows, presets)


def exact(type_: GraphQLInputType) -> type:
    bare = type_.of_type if is_non_null_type(type_) else type_
    return _EXACT.get(bare.name, Nothing) if is_leaf_type(bare) else Nothing


def _preset(field: GraphQLInputField, own: StrawberryField) -> Any:
    """What Strawberry's class is given where nothing was said. Raises Uncompiled."""
    value = coerce_default_value(field)
    if value is Undefined:
        value = None if own.default is MISSING else own.default
    if isinstance(value, list | dict) or own.default_factory is not MISSING or isinstance(own.type, StrawberryMaybe):
        raise Uncompiled(f"a default that is made anew each time: {own.python_name}")
    return value


def _list(take: Take, *, required: bool) -> Take:
    """A value that is no list is one of one entry. `required`: no entry may be null."""

    def taken(value: Any) -> list[Any]:
        entries = value if type(value) is list or is_iterable(value) else [value]
        if not required:
            return [None if entry is None else take(entry) for entry in entries]
        if None in entries:
            raise BadValue
        return [take(entry) for entry in entries]

    return taken


def _input_object(class_: type, rows: Mapping[str, tuple[str, type, Take, bool]], presets: Mapping[str, Any]) -> Take:
    """By the field's name: Python's name for it, its exact type, how it is taken, whether it may not be null."""
    count = len(rows)

    def taken(value: Any) -> Any:
        if not isinstance(value, dict):
            raise BadValue
        given = dict(presets)
        for name, each in value.items():
            python_name, exact, take, required = rows[name]  # a KeyError where there is no such field
            if type(each) is exact:
                given[python_name] = each
            elif each is not None:
                given[python_name] = take(each)
            elif required:
                raise BadValue
            else:
                given[python_name] = None
        if len(given) != count:
            raise BadValue  # a field is missing
        return class_(**given)

    return taken


class Variables:
    """An operation's. `types`: what each is declared to be."""

    def __init__(self, schema: GraphQLSchema, inputs: Inputs, definitions: Sequence[VariableDefinitionNode]) -> None:
        """Raises Uncompiled."""
        self.types: dict[str, GraphQLInputType] = {}
        self._rows = []
        for definition in definitions:
            name, type_ = definition.variable.name.value, type_from_ast(schema, definition.type)
            if not is_input_type(type_):
                raise Uncompiled(f"no input type: {type_}")
            self.types[name] = type_
            preset = _default(schema, definition) if definition.default_value else None
            self._rows.append((name, exact(type_), inputs.take(type_), is_non_null_type(type_), preset))

    def taken(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """As resolvers take them; what was not given and has no default is not among them.

        Raises an exception where graphql-core would object.
        """
        taken = {}
        for name, exact, take, required, preset in self._rows:
            value = given.get(name)
            if type(value) is exact:
                taken[name] = value
            elif value is not None:
                taken[name] = take(value)
            elif name not in given and preset is not None:
                taken[name] = preset()
            elif required:
                raise BadValue
            elif name in given:
                taken[name] = None
        return taken


def _default(schema: GraphQLSchema, definition: VariableDefinitionNode) -> Callable[[], Any]:
    """A list is another one each time, so that none can be changed for the next. Raises Uncompiled."""
    signature = get_variable_signature(schema, definition)
    if not isinstance(signature, tuple) or is_input_object_type(get_named_type(signature.type)):
        raise Uncompiled("a variable whose default is an input object")
    value = coerce_default_value(signature)
    return (lambda: list(value)) if isinstance(value, list) else (lambda: value)
