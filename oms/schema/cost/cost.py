"""What an operation may cost, and who may ask for the schema itself: judged before anything is executed.

Cost is close to the number of values that an answer can have. A field counts 1, one that asks the database 10 (root
fields and pages of lists), and what stands below a list counts as often as the list may be long: `first` of a page,
the number of `inputs` of a bulk mutation, else LIST. Introspection comes from memory and counts a tenth.

Strawberry's limiters are not used: each walks the document by itself on every request, one of them exponentially
where fragments spread fragments, and none knows `first` or roles. Here the walk is linear, and its outcome is kept
with the document for the sizes it was asked with.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakKeyDictionary

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
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
    specified_rules,
    validate,
)

from oms.domain.vocabulary.actor import Role
from oms.platform.documents import Document

MAXIMUM: Final[Mapping[Role, int]] = {
    Role.CUSTOMER: 40_000,
    Role.COURIER: 40_000,
    Role.MANAGER: 60_000,
    Role.SUPPORT: 60_000,
    Role.SERVICE: 120_000,
}
"""The cost that an operation may have, by role."""

MAX_VALUES: Final[Mapping[Role, int]] = {
    Role.CUSTOMER: 10_000,
    Role.COURIER: 1_000,
    Role.MANAGER: 20_000,
    Role.SUPPORT: 1_000,
    Role.SERVICE: 150_000,
}
"""How many values all variables together may hold, by role: an order of 2,000 lines, 1,000 products, 1,000 orders."""

FIELD: Final = 1
ASKS: Final = 10
LIST: Final = 10
"""Entries of a list whose length is not asked for, such as an order's lines or shipments."""
PAGE: Final = 100
"""The longest page; who asks for more is told so by the list itself."""
MAX_ANSWER_VALUES: Final = 150_000
"""How many values an answer may come to: an order may have 2,000 lines where LIST counts ten."""
MAX_ERRORS: Final = 10
_KEPT_COSTS: Final = 32

_PAGE_FIELDS: Final = frozenset({"edges", "nodes"})
_BULK_FIELDS: Final = frozenset({"results"})


def too_much_told() -> GraphQLError:
    """The refusal of an answer that has more than MAX_ANSWER_VALUES values."""
    message = (
        f"The answer would hold more than {MAX_ANSWER_VALUES} values. Ask for shorter pages (first), fewer fields, or"
        " several times."
    )
    return GraphQLError(message, extensions={"code": "INVALID"})


@dataclass(slots=True)
class _Examined:
    """What is known of a document in one schema."""

    errors: list[GraphQLError]
    told_errors: list[GraphQLError] | None = None
    prices: dict[str | None, "Price"] = field(default_factory=dict)


class Limits:
    """Judges documents by a schema, and remembers its judgements as long as the documents are remembered."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._known: WeakKeyDictionary[Document, _Examined] = WeakKeyDictionary()

    def errors(self, document: Document, *, suggest: bool) -> list[GraphQLError]:
        """What is wrong with it by the schema, at most MAX_ERRORS and one; names are suggested only where asked to."""
        known = self._examined(document)
        if not suggest or not known.errors:
            return known.errors
        if known.told_errors is None:
            known.told_errors = validate(self._schema, document.syntax, specified_rules, MAX_ERRORS)
        return known.told_errors

    def price(self, document: Document, operation: OperationDefinitionNode) -> "Price":
        """Of a valid document's operation."""
        prices = self._examined(document).prices
        name = operation.name.value if operation.name else None
        if name not in prices:
            prices[name] = Price(self._schema, document.fragments, operation)
        return prices[name]

    def _examined(self, document: Document) -> _Examined:
        known = self._known.get(document)
        if known is None:
            errors = validate(self._schema, document.syntax, specified_rules, MAX_ERRORS, hide_suggestions=True)
            known = self._known[document] = _Examined(errors)
        return known


class Price:
    """What one operation costs, kept for the sizes that its variables asked for."""

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
        return self._reckoned(sizes) if cost is None else cost

    def _reckoned(self, sizes: tuple[tuple[str, int | None], ...]) -> int:
        if len(self._costs) >= _KEPT_COSTS:
            self._costs.clear()
        cost = self._costs[sizes] = _Walk(self._schema, self._fragments, self._operation, dict(sizes)).cost()
        return cost


def count_values(variables: Mapping[str, Any] | None, limit: int) -> int:
    """How many values the variables hold, each list and object counted, too; not counted on beyond `limit`."""
    count = 0
    pending: list[Any] = [variables or {}]
    while pending and count <= limit:
        value = pending.pop()
        within = value.values() if isinstance(value, dict) else value
        count += len(within)
        pending += [each for each in within if type(each) is dict or type(each) is list]
    return count


def _sizing(fragments: Mapping[str, FragmentDefinitionNode], operation: OperationDefinitionNode) -> tuple[str, ...]:
    """The operation's variables that say how long a list is: those given as `first` or `inputs` anywhere."""
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
    """A page's size as asked for, or how many inputs there are; None where neither is said. 100.0 is 100 to GraphQL."""
    if isinstance(value, list):
        return len(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) else None


class _Walk:
    """One reckoning. What a selection costs is kept in two parts: once, and for each entry of the list it is of.

    The second part is what `nodes` and `edges` of a page, or `results` of a bulk mutation, have below them; how often
    it counts is known to the field around. So a fragment costs the same wherever it is spread and is walked once.
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
        self._sizes = {**_defaults(operation), **sizes}  # null that is given takes the place of a default
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
                    raise TypeError(f"no selection: {selection}")
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
        """What a field costs once, and for each entry of the list that its parent is a page of."""
        name = selected.name.value
        defined = self._schema.get_field(parent, name) if is_composite_type(parent) else None
        if defined is None or selected.selection_set is None:
            return ASKS if root and not name.startswith("__") else FIELD, 0
        once, each = self._selected(selected.selection_set, get_named_type(defined.type))
        if name in ("__schema", "__type"):
            return (once + each) // 10 + FIELD, 0
        own = ASKS if root or "first" in defined.args else FIELD
        if _is_list(defined):
            if not parent.name.startswith("__") and name in _PAGE_FIELDS | _BULK_FIELDS:  # type: ignore[union-attr]
                return FIELD, once + each
            return own + LIST * (once + each), 0
        return own + once + each * self._entries(selected, defined), 0

    def _entries(self, selected: FieldNode, defined: GraphQLField) -> int:
        """How many entries the list below a field may have."""
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
            return min(max(size if size is not None else preset if isinstance(preset, int) else PAGE, 1), PAGE)
        return 1 if size is None else size


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
