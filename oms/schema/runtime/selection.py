"""What a document selects below a field, for resolvers that read all of it at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    StringValueNode,
    ValueNode,
    VariableNode,
)

from oms.domain.order_queries.includes import Include, Includes
from oms.domain.order_queries.timeline import seq_of
from oms.domain.vocabulary.errors import Refused
from oms.domain.vocabulary.paging import check_first
from oms.schema.runtime.connections import size
from oms.schema.runtime.context import Info

EVENTS: Final = 50
"""Events of a page where the client does not say."""

_DEEPEST: Final = 6
"""Fields within fields that anybody here asks about."""

_NEEDS: Final[tuple[tuple[str, Include], ...]] = (
    ("lines", Include.LINES),
    ("lines.name", Include.NAMES),
    ("shipments", Include.SHIPMENTS),
    ("shipments.lines", Include.ITEMS),
    ("shipments.lines.name", Include.NAMES),
    ("total", Include.SHIPMENTS),
    ("viewerCanAcceptAmendment", Include.SHIPMENTS),
    ("viewerCanCancel", Include.SHIPMENTS),
    ("events.nodes.shipment", Include.SHIPMENTS),
    ("events.edges.node.shipment", Include.SHIPMENTS),
)
"""What must be read of an order for which of its fields. A field that is not here reads for itself."""


@dataclass(frozen=True, slots=True)
class Below:
    """`paths`: names of fields with dots between them, all that may be asked for whatever the types and conditions.

    `arguments` by path, of the first field there.
    """

    paths: frozenset[str]
    arguments: Mapping[str, Mapping[str, ValueNode]]

    @classmethod
    def of(cls, fields: Iterable[FieldNode], fragments: Mapping[str, FragmentDefinitionNode]) -> Self:
        """Of fields that are merged into one. Visits each fragment once for each place, so it takes no longer than
        validation does.
        """
        found: dict[str, Mapping[str, ValueNode]] = {}
        visited: set[tuple[str, str]] = set()
        pending = [(field.selection_set, "") for field in fields if field.selection_set]
        while pending:
            selected, prefix = pending.pop()
            for selection in selected.selections:
                match selection:
                    case FieldNode():
                        path = prefix + selection.name.value
                        found.setdefault(path, {each.name.value: each.value for each in selection.arguments or ()})
                        if selection.selection_set and path.count(".") < _DEEPEST:
                            pending.append((selection.selection_set, f"{path}."))
                    case InlineFragmentNode():
                        pending.append((selection.selection_set, prefix))
                    case FragmentSpreadNode() if (prefix, selection.name.value) not in visited:
                        visited.add((prefix, selection.name.value))
                        pending.append((fragments[selection.name.value].selection_set, prefix))
        return cls(frozenset(found), found)


def below_of(info: Info) -> Below:
    """A plan has it at hand; see oms.schema.compiled."""
    known: Below | None = getattr(info, "below", None)
    if known is not None:
        return known
    asked = info._raw_info  # noqa: SLF001 - Strawberry's own way to GraphQL's info
    return Below.of(asked.field_nodes, asked.fragments)


def includes_of(info: Info, *places: str) -> Includes:
    """What is to be read of the orders that a field answers with, or that stand in these places below it."""
    below = below_of(info)
    parts: set[Include] = set()
    includes = Includes()
    for place in places or ("",):
        parts |= {part for path, part in _NEEDS if place + path in below.paths}
        if place + "events" in below.paths:
            includes = _with_events(below.arguments[place + "events"], info.variable_values)
    return replace(includes, parts=frozenset(parts) | includes.parts)


def _with_events(given: Mapping[str, ValueNode], variables: Mapping[str, Any]) -> Includes:
    """The first page of events; none where the field will refuse its arguments."""
    first, after = (_value(given.get(name), variables) for name in ("first", "after"))
    try:
        limit = check_first(size(first, EVENTS)) + 1
        return Includes(frozenset({Include.EVENTS}), seq_of(after), limit)
    except Refused:
        return Includes()


def _value(given: ValueNode | None, variables: Mapping[str, Any]) -> Any:
    match given:
        case IntValueNode():
            return int(given.value)
        case StringValueNode():
            return given.value
        case VariableNode():
            return variables.get(given.name.value)
    return None
