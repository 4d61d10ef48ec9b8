"""Which parts of orders are read together with them, by what a document selects."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from graphql import BooleanValueNode, IntValueNode, StringValueNode, ValueNode, VariableNode

from oms.domain.order_queries.includes import Include, Includes
from oms.domain.order_queries.timeline import seq_of
from oms.domain.vocabulary.errors import Refused
from oms.domain.vocabulary.paging import check_first
from oms.schema.runtime.connections import size
from oms.schema.runtime.context import Info

EVENTS: Final = 50
"""Default number of events of a page."""

_NEEDED_BY: Final[tuple[tuple[str, Include], ...]] = (
    ("lines", Include.LINES),
    ("lines.name", Include.NAMES),
    ("shipments", Include.SHIPMENTS),
    ("shipments.lines", Include.ITEMS),
    ("shipments.lines.name", Include.NAMES),
    ("total", Include.SHIPMENTS),
    ("money", Include.SHIPMENTS),
    ("money", Include.LINES),
    ("viewerCanAcceptAmendment", Include.SHIPMENTS),
    ("viewerCanCancel", Include.SHIPMENTS),
    ("events.nodes.shipment", Include.SHIPMENTS),
    ("events.edges.node.shipment", Include.SHIPMENTS),
)
"""By field of an order. A field that is not listed reads for itself."""


def includes_of(info: Info, *places: str) -> Includes:
    """What to read with the orders of a field, or with those at these places below it."""
    selection = info.selection
    parts: set[Include] = set()
    includes = Includes()
    for place in places or ("",):
        parts |= {part for path, part in _NEEDED_BY if place + path in selection.paths}
        if place + "events" in selection.paths:
            includes = _with_events(selection.arguments[place + "events"], info.variable_values)
    return replace(includes, parts=frozenset(parts) | includes.parts)


def _with_events(given: Mapping[str, ValueNode], variables: Mapping[str, Any]) -> Includes:
    """The first page of events; nothing if the newest come first, or if the field is going to refuse its arguments."""
    first, after, newest_first = (_value(given.get(name), variables) for name in ("first", "after", "newestFirst"))
    if newest_first:
        return Includes()
    try:
        count = check_first(size(first, EVENTS)) + 1
        return Includes(frozenset({Include.EVENTS}), seq_of(after), count)
    except Refused:
        return Includes()


def _value(given: ValueNode | None, variables: Mapping[str, Any]) -> Any:
    match given:
        case IntValueNode():
            return int(given.value)
        case StringValueNode():
            return given.value
        case BooleanValueNode():
            return given.value
        case VariableNode():
            return variables.get(given.name.value)
    return None
