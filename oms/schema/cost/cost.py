"""What an operation costs: about the number of values that its result can have.

A field counts 1, one that reads the database 10 (root fields and pages of lists). What is below a list counts as often
as the list may be long: `first` of a page, the number of `inputs` of a bulk mutation, otherwise LIST. Introspection
reads memory and counts a tenth. A field may declare that an argument makes it dearer, such as a search.

Strawberry's limiters are not used: each walks the document on every request, one of them in exponential time for
nested fragments, and none knows `first` or roles. This walk is linear, and its result is cached with the document.
"""

from collections.abc import Mapping
from typing import Any, Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    is_list_type,
    is_non_null_type,
)

from oms.schema.runtime.field_permissions import DEFINITION
from oms.schema.runtime.fields import COSTS

FIELD: Final = 1
READ: Final = 10
LIST: Final = 10
"""Assumed length of a list without `first`, such as an order's lines or shipments."""

MAX_PAGE: Final = 100
"""The list itself refuses longer pages."""

_MAX_CACHED: Final = 32

_PAGE_FIELDS: Final = frozenset({"edges", "nodes"})
_BULK_FIELDS: Final = frozenset({"results"})


class Price:
    """The cost of one operation, cached by the sizes that its variables request."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], operation: OperationDefinitionNode
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._operation = operation
        self._sizing = _sizing(fragments, operation)
        self._costs: dict[tuple[tuple[str, int | None], ...], int] = {}

    def of(self, variables: Mapping[str, Any] | None) -> int:
        given = variables or {}
        sizes = tuple([(name, _length(given[name])) for name in self._sizing if name in given])
        cost = self._costs.get(sizes)
        return self._computed(sizes) if cost is None else cost

    def _computed(self, sizes: tuple[tuple[str, int | None], ...]) -> int:
        if len(self._costs) >= _MAX_CACHED:
            self._costs.clear()
        cost = self._costs[sizes] = _Walk(self._schema, self._fragments, self._operation, dict(sizes)).cost()
        return cost


def _sizing(fragments: Mapping[str, FragmentDefinitionNode], operation: OperationDefinitionNode) -> tuple[str, ...]:
    """The variables that determine the length of a list: those passed as `first` or `inputs` anywhere."""
    named: set[str] = set()
    pending = [operation.selection_set, *(fragment.selection_set for fragment in fragments.values())]
    while pending:
        for selection in pending.pop().selections:
            for argument in getattr(selection, "arguments", None) or ():
                if argument.name.value in ("first", "inputs") and isinstance(argument.value, VariableNode):
                    named.add(argument.value.name.value)
            if within := getattr(selection, "selection_set", None):
                pending.append(within)
    return tuple(
        variable.variable.name.value
        for variable in operation.variable_definitions or ()
        if variable.variable.name.value in named
    )


def _length(value: Any) -> int | None:
    """The requested size of a page, or the number of inputs; None if neither is given. To GraphQL, 100.0 is 100."""
    if isinstance(value, list):
        return len(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) else None


class _Walk:
    """One computation. A selection has two costs: once, and for each entry of the list that it belongs to.

    The second is that of what is below `nodes` and `edges` of a page, or `results` of a bulk mutation; the field above
    knows how often it counts. So a fragment costs the same wherever it is spread, and is walked once.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        operation: OperationDefinitionNode,
        sizes: Mapping[str, int | None],
    ) -> None:
        self._schema = schema
        self._spread = fragments
        self._operation = operation
        self._sizes = {**_defaults(operation), **sizes}  # an explicit null replaces a default
        self._fragments: dict[str, tuple[int, int]] = {}

    def cost(self) -> int:
        root = self._schema.get_root_type(self._operation.operation)
        once, each = self._selected(self._operation.selection_set, root, root=True)
        return once + each

    def _selected(
        self, selected: SelectionSetNode, parent: GraphQLNamedType | None, *, root: bool = False
    ) -> tuple[int, int]:
        once = each = 0
        for selection in selected.selections:
            match selection:
                case FieldNode():
                    own, entry = self._field(selection, parent, root=root)
                case FragmentSpreadNode():
                    own, entry = self._fragment(selection.name.value, root=root)
                case InlineFragmentNode():
                    narrowed = selection.type_condition
                    within = self._schema.get_type(narrowed.name.value) if narrowed else parent
                    own, entry = self._selected(selection.selection_set, within, root=root)
                case _:
                    raise TypeError(f"not a selection: {selection}")
            once += own
            each += entry
        return once, each

    def _fragment(self, name: str, *, root: bool) -> tuple[int, int]:
        if name not in self._fragments:
            fragment = self._spread[name]
            of = self._schema.get_type(fragment.type_condition.name.value)
            self._fragments[name] = self._selected(fragment.selection_set, of, root=root)
        return self._fragments[name]

    def _field(self, selected: FieldNode, parent: GraphQLNamedType | None, *, root: bool) -> tuple[int, int]:
        """The cost of a field once, and for each entry of the list whose page its parent is."""
        name = selected.name.value
        defined = self._schema.get_field(parent, name) if is_composite_type(parent) else None
        if defined is None or selected.selection_set is None:
            return READ if root and not name.startswith("__") else FIELD, 0
        once, each = self._selected(selected.selection_set, get_named_type(defined.type))
        if name in ("__schema", "__type"):
            return (once + each) // 10 + FIELD, 0
        own = (READ if root or "first" in defined.args else FIELD) + _extra(selected, defined)
        if _is_list(defined):
            if not parent.name.startswith("__") and name in _PAGE_FIELDS | _BULK_FIELDS:  # type: ignore[union-attr]
                return FIELD, once + each
            return own + LIST * (once + each), 0
        return own + once + each * self._entries(selected, defined), 0

    def _entries(self, selected: FieldNode, defined: GraphQLField) -> int:
        """The maximum length of the list below a field."""
        given = {argument.name.value: argument.value for argument in selected.arguments or ()}
        sizing = next((name for name in ("first", "inputs") if name in defined.args), None)
        if sizing is None:
            return LIST
        size: int | None = None
        match given.get(sizing):
            case VariableNode() as variable:
                size = self._sizes.get(variable.name.value)
            case IntValueNode() as literal:
                size = int(literal.value)
            case ListValueNode() as literals:
                size = len(literals.values)
        if sizing == "first":
            preset = defined.args["first"].default_value
            return min(max(size if size is not None else preset if isinstance(preset, int) else MAX_PAGE, 1), MAX_PAGE)
        return 1 if size is None else size


def _extra(selected: FieldNode, defined: GraphQLField) -> int:
    """For the arguments given, even those whose variable may be null."""
    declared = defined.extensions.get(DEFINITION)
    costs: Mapping[str, int] = declared.metadata.get(COSTS, {}) if declared else {}
    return sum(costs.get(argument.name.value, 0) for argument in selected.arguments or ())


def _defaults(operation: OperationDefinitionNode) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for variable in operation.variable_definitions or ():
        if isinstance(variable.default_value, IntValueNode):
            found[variable.variable.name.value] = int(variable.default_value.value)
        elif isinstance(variable.default_value, ListValueNode):
            found[variable.variable.name.value] = len(variable.default_value.values)
    return found


def _is_list(defined: GraphQLField) -> bool:
    kind = defined.type
    return is_list_type(kind.of_type if is_non_null_type(kind) else kind)
