"""Holds the built schema to its documentation: nothing that a client sees is without a description."""

from collections.abc import Iterator

from graphql import GraphQLEnumType, GraphQLNamedType, GraphQLSchema


class Undescribed(Exception):
    """Parts of the schema without a description; the message says what to add where."""


def require_descriptions(schema: GraphQLSchema) -> None:
    """Raises Undescribed if a type, a field, an argument or a value of an enum has no description."""
    bare = [name for name, description in described_parts(schema) if not (description or "").strip()]
    if bare:
        raise Undescribed(
            "Describe these for the readers of the schema: a type by its docstring, a field by the first argument of"
            " attribute(), field(), extends(), mutation() or subscription(), an argument by Annotated[…,"
            f" argument(…)], an enum and its values in described(): {', '.join(bare)}"
        )


def described_parts(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """Name and description of every part of the schema except GraphQL's own `__Schema` and so on.

    Names are like Order, Order.events, Order.events(first) and OrderStatus.PENDING.
    """
    for name, type_ in schema.type_map.items():
        if not name.startswith("__"):
            yield name, type_.description
            yield from _members(type_)


def _members(type_: GraphQLNamedType) -> Iterator[tuple[str, str | None]]:
    members = type_.values if isinstance(type_, GraphQLEnumType) else getattr(type_, "fields", {})
    for name, member in members.items():
        yield f"{type_.name}.{name}", member.description
        for argument, given in getattr(member, "args", {}).items():
            yield f"{type_.name}.{name}({argument})", given.description
