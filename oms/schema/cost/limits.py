"""Limits of operations, and what is checked before one is executed; cached with its document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakKeyDictionary

from graphql import GraphQLError, GraphQLSchema, OperationDefinitionNode, specified_rules, validate

from oms.domain.vocabulary.actor import Role
from oms.platform.documents import Document
from oms.schema.cost.cost import Price

MAX_COST: Final[Mapping[Role, int]] = {
    Role.CUSTOMER: 40_000,
    Role.COURIER: 40_000,
    Role.MANAGER: 60_000,
    Role.SUPPORT: 60_000,
    Role.SERVICE: 120_000,
}
"""Of one operation."""

MAX_VARIABLE_VALUES: Final[Mapping[Role, int]] = {
    Role.CUSTOMER: 10_000,
    Role.COURIER: 1_000,
    Role.MANAGER: 20_000,
    Role.SUPPORT: 1_000,
    Role.SERVICE: 150_000,
}
"""Values in all variables together: enough for an order of 2,000 lines, 1,000 products, 1,000 orders."""

MAX_RESULT_VALUES: Final[Mapping[Role, int]] = {
    Role.CUSTOMER: 40_000,
    Role.COURIER: 40_000,
    Role.MANAGER: 80_000,
    Role.SUPPORT: 80_000,
    Role.SERVICE: 150_000,
}
"""Of one answer: an order may have 2,000 lines where its cost assumes ten. Its page shows each with 8 values, and again
in a shipment."""

MAX_ERRORS: Final = 10


def too_many_values(maximum: int) -> GraphQLError:
    """The error for a result that has more than `maximum` values."""
    message = (
        f"The result would have more than {maximum} values. Request shorter pages (first), fewer fields, or"
        " send several requests."
    )
    return GraphQLError(message, extensions={"code": "INVALID"})


@dataclass(slots=True)
class _Checked:
    """What is known about a document in one schema. `suggesting`: the errors, with names that would be right."""

    errors: list[GraphQLError]
    suggesting: list[GraphQLError] | None = None
    prices: dict[str | None, Price] = field(default_factory=dict)


class Validator:
    """Validates documents against a schema and prices their operations; results live as long as the documents."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._cache: WeakKeyDictionary[Document, _Checked] = WeakKeyDictionary()

    def errors(self, document: Document, *, suggest: bool) -> list[GraphQLError]:
        """At most MAX_ERRORS and one. `suggest`: mention names that would be right."""
        checked = self._checked(document)
        if not suggest or not checked.errors:
            return checked.errors
        if checked.suggesting is None:
            checked.suggesting = validate(self._schema, document.syntax, specified_rules, MAX_ERRORS)
        return checked.suggesting

    def price(self, document: Document, operation: OperationDefinitionNode) -> Price:
        """Of a valid document's operation."""
        prices = self._checked(document).prices
        name = operation.name.value if operation.name else None
        if name not in prices:
            prices[name] = Price(self._schema, document.fragments, operation)
        return prices[name]

    def _checked(self, document: Document) -> _Checked:
        checked = self._cache.get(document)
        if checked is None:
            errors = validate(self._schema, document.syntax, specified_rules, MAX_ERRORS, hide_suggestions=True)
            checked = self._cache[document] = _Checked(errors)
        return checked


def count_values(variables: Mapping[str, Any] | None, maximum: int) -> int:
    """The values in the variables, lists and objects included. Stops counting above `maximum`."""
    count = 0
    pending: list[Any] = [variables or {}]
    while pending and count <= maximum:
        value = pending.pop()
        within = value.values() if isinstance(value, dict) else value
        count += len(within)
        pending += [each for each in within if type(each) is dict or type(each) is list]
    return count
