"""Input values: from the JSON of a variable to what resolvers take, in one step.

graphql-core first makes dicts of input objects, with their defaults; Strawberry then makes its input classes from the
dicts, and both look every type up. Here functions that are made once per type do both. They only tell valid values from
invalid ones: graphql-core says what is wrong.
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

from oms.schema.compiled.leaves import NoValue
from oms.schema.compiled.uncompiled import Uncompiled

Coerce = Callable[[Any], Any]
"""From a JSON value that is not null. Raises an exception if it is not a value of the type."""

BACKREF: Final = "strawberry-definition"
"""The extension of GraphQL's types and fields that holds Strawberry's definition."""

_EXACT: Final[Mapping[str, type]] = {"String": str, "ID": str, "Boolean": bool}
"""By scalar, the Python type whose values are valid as they are."""


class BadValue(Exception):
    """graphql-core says what is wrong."""


class Inputs:
    """Coerces values of a schema's input types, by functions that are made once per type."""

    def __init__(self, config: StrawberryConfig) -> None:
        self._name_of = config.name_converter.from_field
        self._objects: dict[str, Coerce | None] = {}

    def coerce(self, type_: GraphQLInputType) -> Coerce:
        """For a type or its non-null. Raises Uncompiled."""
        bare = type_.of_type if is_non_null_type(type_) else type_
        if is_list_type(bare):
            return _list(self.coerce(bare.of_type), required=is_non_null_type(bare.of_type))
        if is_input_object_type(bare):
            return self._object(bare)
        if not is_leaf_type(bare):
            raise Uncompiled(f"not an input type: {bare}")
        return bare.coerce_input_value

    def _object(self, type_: GraphQLInputObjectType) -> Coerce:
        if type_.name not in self._objects:
            self._objects[type_.name] = None
            self._objects[type_.name] = self._made(type_)
        coerce = self._objects[type_.name]
        if coerce is None:
            raise Uncompiled(f"an input type within itself: {type_}")
        return coerce

    def _made(self, type_: GraphQLInputObjectType) -> Coerce:
        definition: StrawberryObjectDefinition = type_.extensions[BACKREF]
        if definition.from_input is not None or definition.is_one_of:
            raise Uncompiled(f"an input type with a constructor of its own: {type_}")
        own = {self._name_of(field): field for field in definition.fields}
        rows = {}
        presets = {}
        for name, field in type_.fields.items():
            rows[name] = (
                own[name].python_name,
                exact(field.type),
                self.coerce(field.type),
                is_non_null_type(field.type),
            )
            if not is_required_input_field(field):
                presets[own[name].python_name] = _preset(field, own[name])
        return _input_object(definition.origin, rows, presets)


def exact(type_: GraphQLInputType) -> type:
    bare = type_.of_type if is_non_null_type(type_) else type_
    return _EXACT.get(bare.name, NoValue) if is_leaf_type(bare) else NoValue


def _preset(field: GraphQLInputField, own: StrawberryField) -> Any:
    """What Strawberry's class gets for an absent field. Raises Uncompiled."""
    value = coerce_default_value(field)
    if value is Undefined:
        value = None if own.default is MISSING else own.default
    if isinstance(value, list | dict) or own.default_factory is not MISSING or isinstance(own.type, StrawberryMaybe):
        raise Uncompiled(f"a default that is made for each object: {own.python_name}")
    return value


def _list(coerce: Coerce, *, required: bool) -> Coerce:
    """A value that is not a list counts as a list of one. `required`: no entry may be null."""

    def coerced(value: Any) -> list[Any]:
        entries = value if type(value) is list or is_iterable(value) else [value]
        if not required:
            return [None if entry is None else coerce(entry) for entry in entries]
        if None in entries:
            raise BadValue
        return [coerce(entry) for entry in entries]

    return coerced


def _input_object(
    class_: type, rows: Mapping[str, tuple[str, type, Coerce, bool]], presets: Mapping[str, Any]
) -> Coerce:
    """`rows`: by GraphQL name, the Python name, the exact type, the coercion, and whether null is invalid."""
    count = len(rows)

    def coerced(value: Any) -> Any:
        if not isinstance(value, dict):
            raise BadValue
        given = dict(presets)
        for name, each in value.items():
            python_name, exact, coerce, required = rows[name]  # KeyError if there is no such field
            if type(each) is exact:
                given[python_name] = each
            elif each is not None:
                given[python_name] = coerce(each)
            elif required:
                raise BadValue
            else:
                given[python_name] = None
        if len(given) != count:
            raise BadValue  # a field is missing
        return class_(**given)

    return coerced


class Variables:
    """Those of an operation. `types`: by name, the declared type."""

    def __init__(self, schema: GraphQLSchema, inputs: Inputs, definitions: Sequence[VariableDefinitionNode]) -> None:
        """Raises Uncompiled."""
        self.types: dict[str, GraphQLInputType] = {}
        self._rows = []
        for definition in definitions:
            name, type_ = definition.variable.name.value, type_from_ast(schema, definition.type)
            if not is_input_type(type_):
                raise Uncompiled(f"not an input type: {type_}")
            self.types[name] = type_
            preset = _default(schema, definition) if definition.default_value else None
            self._rows.append((name, exact(type_), inputs.coerce(type_), is_non_null_type(type_), preset))

    def coerced(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """As resolvers take them, without those that are absent and have no default.

        Raises an exception if graphql-core would report an error.
        """
        coerced = {}
        for name, exact, coerce, required, preset in self._rows:
            value = given.get(name)
            if type(value) is exact:
                coerced[name] = value
            elif value is not None:
                coerced[name] = coerce(value)
            elif name not in given and preset is not None:
                coerced[name] = preset()
            elif required:
                raise BadValue
            elif name in given:
                coerced[name] = None
        return coerced


def _default(schema: GraphQLSchema, definition: VariableDefinitionNode) -> Callable[[], Any]:
    """Makes the default for each execution, so that no resolver can change a list for the next. Raises Uncompiled."""
    signature = get_variable_signature(schema, definition)
    if not isinstance(signature, tuple) or is_input_object_type(get_named_type(signature.type)):
        raise Uncompiled("a variable with an input object as its default")
    value = coerce_default_value(signature)
    return (lambda: list(value)) if isinstance(value, list) else (lambda: value)
