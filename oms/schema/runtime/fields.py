"""Declarations of types and fields. Each says what it means, and which permissions a viewer needs to see it.

    @object_type(needs=CatalogPermission.READ_CATALOG)
    class Product:
        # Its docstring's first paragraph is its description.
        sku: str = attribute("…")                                     # as the type needs
        cost: Money | None = attribute("…", needs=OrderPermission.READ_MONEY)

        @field("…", needs=InventoryPermission.READ_STOCK)
        async def stock(self) -> list[StockLevel]: ...

    async def product(self, sku: Annotated[str, argument("…")]) -> Product | None: ...

A concept adds fields to the types of others with @extends, as `extend type` does in GraphQL.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from inspect import Parameter, getdoc
from typing import Any, Final, TypeVar, dataclass_transform

import strawberry
from strawberry.types.arguments import StrawberryArgumentAnnotation
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import INFO_PARAMSPEC, ReservedParameterSpecification, StrawberryResolver
from strawberry.utils.str_converters import to_camel_case

from oms.domain.vocabulary.permission import Permission
from oms.schema.compiled.selection import Selection
from oms.schema.runtime.context import Context, Info

C = TypeVar("C", bound=type)
F = TypeVar("F", bound=Callable[..., object])


class OfList(Enum):
    """Needs of the fields of connections and edges; they depend on the type that is listed."""

    PAGE = "to page through the list"
    ENTRY = "to see an entry"


Needs = Permission | tuple[Permission, ...]
NOTHING_MORE: Final = ()
"""For fields that everybody may see who got to their object; at a root, everybody who is signed in."""

NEEDS: Final = "needs"
"""The key in the metadata of a field."""

COSTS: Final = "costs"
"""Likewise."""


@dataclass(frozen=True, slots=True)
class TypeNeeds:
    """`default`: of fields that do not say. `listed`: to page through a list of such objects; `entry`: to see one."""

    default: frozenset[Permission] | None
    listed: frozenset[Permission] | None
    entry: frozenset[Permission] | None


TYPE_NEEDS: Final[dict[type, TypeNeeds]] = {}
"""By Python class."""

MUTATION_NEEDS: Final[dict[str, frozenset[Permission]]] = {}
"""By GraphQL name."""


class DuplicateField(Exception):
    """A field that the type has already."""


def _permissions(needs: Needs) -> frozenset[Permission]:
    return frozenset({needs} if isinstance(needs, Permission) else needs)


def attribute(description: str, *, needs: Needs | OfList | None = None, name: str | None = None, **options: Any) -> Any:
    """A field whose value is in the object, or of an input. `options`: default or default_factory.

    Without `needs`: as its type.
    """
    metadata = {} if needs is None else {NEEDS: needs if isinstance(needs, OfList) else _permissions(needs)}
    return strawberry.field(description=description, metadata=metadata, name=name, **options)


def argument(description: str) -> StrawberryArgumentAnnotation:
    """Describes an argument of a field, within Annotated."""
    return strawberry.argument(description=description)


def description_of(cls: type) -> str | None:
    """The first paragraph of its docstring, as one line."""
    return " ".join((getdoc(cls) or "").partition("\n\n")[0].split()) or None


@dataclass_transform(order_default=True, kw_only_default=True, field_specifiers=(attribute,))
def input_type(cls: C) -> C:
    """An input object. Its docstring and the texts of its attributes are its documentation."""
    declared: C = strawberry.input(cls, description=description_of(cls))
    return declared


@dataclass_transform(order_default=True, kw_only_default=True, field_specifiers=(attribute,))
def object_type(
    *,
    needs: Needs | None = None,
    listed: Needs | None = None,
    entry: Needs | None = None,
) -> Callable[[C], C]:
    """The docstring's first paragraph is the type's description.

    `needs`: the default of the fields; a type that several roles see in part has none.
    `listed`: to page through a connection of such objects; default: `needs`. `entry`: to see them there; default:
    `listed`.
    """
    pages = needs if listed is None else listed
    entries = pages if entry is None else entry

    def decorate(cls: C) -> C:
        declared: C = strawberry.type(cls, description=description_of(cls))
        TYPE_NEEDS[declared] = TypeNeeds(
            *(None if each is None else _permissions(each) for each in (needs, pages, entries))
        )
        return declared

    return decorate


class StrawberryInfo(strawberry.Info[Context, Any]):
    """Implements Info where Strawberry executes the operation."""

    @property
    def selection(self) -> Selection:
        raw = self._raw_info
        return Selection.of(raw.field_nodes, raw.fragments)


class _Resolver(StrawberryResolver[Any]):
    """Passes Strawberry's info to parameters that are annotated with our own Info."""

    @cached_property
    def reserved_parameters(self) -> dict[ReservedParameterSpecification, Parameter | None]:
        info = next((each for each in self.signature.parameters.values() if each.annotation is Info), None)
        return {**super().reserved_parameters, INFO_PARAMSPEC: info}


def _declared(
    function: Callable[..., object],
    description: str,
    needs: Needs,
    *,
    costs: Mapping[str, int] | None = None,
    **options: Any,
) -> Any:
    metadata = {NEEDS: _permissions(needs), COSTS: costs or {}}
    return strawberry.field(resolver=_Resolver(function), description=description, metadata=metadata, **options)


def field(description: str, *, needs: Needs, costs: Mapping[str, int] | None = None) -> Callable[[F], F]:
    """A field with a resolver. `costs`: what it costs more with some of its arguments, by their GraphQL names."""
    return lambda function: _declared(function, description, needs, costs=costs)


def mutation(description: str, *, needs: Needs) -> Callable[[F], F]:
    """A field of Mutation. Its permissions are checked by run_command, so that a refusal is in the payload."""

    def decorate(function: F) -> F:
        MUTATION_NEEDS[to_camel_case(function.__name__)] = _permissions(needs)
        declared: F = _declared(function, description, needs)
        return declared

    return decorate


def subscription(description: str, *, needs: Needs) -> Callable[[F], F]:
    """A field of Subscription."""
    return lambda function: _declared(function, description, needs, is_subscription=True)


def extends(type_: type, description: str, *, needs: Needs) -> Callable[[F], F]:
    """Adds a field to a type of a lower file, before the schema is built.

    The function's first parameter is the object: `async def returns(order: Parent[Order]) -> list[Return]`.
    Raises DuplicateField if the type has a field of that name already.
    """

    def decorate(function: F) -> F:
        definition: StrawberryObjectDefinition = type_.__strawberry_definition__  # type: ignore[attr-defined]  # Strawberry's
        if any(each.python_name == function.__name__ for each in definition.fields):
            raise DuplicateField(f"{definition.name} has a field {function.__name__!r} already.")
        added: StrawberryField = _declared(function, description, needs)
        added.python_name = function.__name__
        definition.fields.append(added)
        return function

    return decorate


def needs_of_field(owner: StrawberryObjectDefinition, declared: StrawberryField) -> frozenset[Permission] | None:
    """The permissions that a viewer needs for the field; None if neither it nor its type says."""
    needs: frozenset[Permission] | OfList | None = declared.metadata.get(NEEDS)
    if isinstance(needs, OfList):
        return _needs_of_list(owner, needs)
    if needs is None:
        return TYPE_NEEDS[owner.origin].default if owner.origin in TYPE_NEEDS else None
    return needs


def _needs_of_list(owner: StrawberryObjectDefinition, needs: OfList) -> frozenset[Permission] | None:
    [node] = owner.type_var_map.values()
    of_node = TYPE_NEEDS.get(node) if isinstance(node, type) else None
    if of_node is None:
        return None
    return of_node.listed if needs is OfList.PAGE else of_node.entry


def combined(name: str, kinds: Iterable[type], description: str) -> type:
    """One type with the fields of several: a root type of the schema."""
    return strawberry.type(type(name, tuple(kinds), {}), description=description)
