"""Values without fields: scalars and enums, and how they become JSON."""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Final

from graphql import (
    Executor,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLID,
    GraphQLLeafType,
    GraphQLScalarType,
    GraphQLString,
    Undefined,
)

from oms.schema.compiled.run import Path, Run


class NoValue:
    """A type without values."""


class Leaf:
    """A scalar or an enum."""

    __slots__ = ("complete", "exact")

    def __init__(self, type_: GraphQLLeafType) -> None:
        write = _writer(type_)
        self.exact: type = _EXACT.get(write, NoValue)

        def complete(value: Any, _path: Path, _run: Run) -> Any:
            written = write(value)
            if written is None or written is Undefined:
                return Executor.complete_leaf_value(type_, value)  # raises the error
            return written

        self.complete: Callable[[Any, Path, Run], Any] = complete


def _writer(type_: GraphQLLeafType) -> Callable[[Any], Any]:
    if isinstance(type_, GraphQLEnumType):
        return _enum_writer(type_)
    quick = _QUICK.get(type_.name)
    return quick(type_) if quick else type_.coerce_output_value


def _enum_writer(type_: GraphQLEnumType) -> Callable[[Any], Any]:
    """Strawberry compares with one member after the other; here a dict finds it."""
    names = {member.value: name for name, member in type_.values.items()}

    def write(value: Any) -> Any:
        return names.get(value) or type_.coerce_output_value(value)

    return write


def _int_writer(type_: GraphQLScalarType) -> Callable[[Any], Any]:
    def write(value: Any) -> Any:
        return value if type(value) is int and -(2**31) <= value < 2**31 else type_.coerce_output_value(value)

    return write


def _float_writer(type_: GraphQLScalarType) -> Callable[[Any], Any]:
    def write(value: Any) -> Any:
        return value if type(value) is float and isfinite(value) else type_.coerce_output_value(value)

    return write


_QUICK: Final[Mapping[str, Callable[[GraphQLScalarType], Callable[[Any], Any]]]] = {
    "Int": _int_writer,
    "Float": _float_writer,
}
_EXACT: Final[Mapping[Callable[[Any], Any], type]] = {
    GraphQLString.coerce_output_value: str,
    GraphQLID.coerce_output_value: str,
    GraphQLBoolean.coerce_output_value: bool,
    str: str,
    int: int,
}
"""By serializer, the type whose values it returns unchanged."""


class Leaves:
    """Those of a schema, made once per type."""

    def __init__(self) -> None:
        self._made: dict[str, Leaf] = {}

    def of(self, type_: GraphQLLeafType) -> Leaf:
        if type_.name not in self._made:
            self._made[type_.name] = Leaf(type_)
        return self._made[type_.name]
