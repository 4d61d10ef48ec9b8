"""Requests that schemathesis generates from the schema, with values that exist or that may do harm."""

import random
from dataclasses import dataclass
from typing import Any, Final

import schemathesis
from graphql import IntValueNode, Node, ObjectFieldNode, StringValueNode, Visitor, parse, print_ast, visit
from hypothesis import strategies as st
from schemathesis import graphql
from schemathesis.core.result import Ok

from oms.domain.vocabulary.actor import Role
from oms.platform.settings import PROJECT_DIR

HARMFUL_TEXTS: Final = (
    "", " ", "\x00", "a\x00b", "\ud800", "a\udfffb", "\x1b[31m", "\r\nSet-Cookie: a=b", "\u202e", "\ufeff", "\u2028",
    "' OR 1=1 --", "'; DROP TABLE orders; --", "%", "_", "\\", "{{7*7}}", "<script>alert(1)</script>",
    "../../etc/passwd", "x" * 10_000, "😀" * 200, "null", "-1", "9" * 400, "1e400", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z", "0000-00-00T00:00:00Z", "ord_", "shp_", "cus_", "ord_" + "f" * 32, "ord_" + "0" * 32,
    "eA==", "////", "XX",
)  # fmt: skip
HARMFUL_NUMBERS: Final = (0, -1, 1, 2, 20, 99, 100, 101, 2**31 - 1, -(2**31), 2**31, 2**53, 2**63, -(2**63), 10**30)

_ROLES: Final = tuple(Role)


@dataclass(frozen=True, slots=True)
class Request:
    """`role`: the caller's. `root`: the name of its root field."""

    role: Role
    body: dict[str, Any]
    method: str
    root: str


def requests(known: list[str], *, queries_only: bool = False) -> st.SearchStrategy[Request]:
    """For every operation of the schema, by every role. Some generated values are replaced, drawn from a seed."""
    schemathesis.graphql.scalar("DateTime", st.sampled_from(_INSTANTS).map(graphql.nodes.String))
    schemathesis.graphql.scalar("MinorUnits", st.sampled_from(HARMFUL_NUMBERS).map(graphql.nodes.Int))
    schemathesis.graphql.scalar("CurrencyCode", st.sampled_from(("USD", "JPY", "usd", "")).map(graphql.nodes.String))
    schema = graphql.from_path(PROJECT_DIR / "docs" / "reference" / "schema.graphql")
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    if queries_only:
        operations = [each for each in operations if each.label.startswith("Query.")]
    generated = st.one_of(*(operation.as_strategy() for operation in operations))
    return st.builds(
        _request, generated.map(lambda case: case.body), st.sampled_from(_ROLES), st.integers(0, 2**32), st.just(known)
    )


_INSTANTS: Final = ("2026-11-21T18:50:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "yesterday")


def _request(document: Any, role: Role, seed: int, known: list[str]) -> Request:
    chance = random.Random(seed)
    text = document["query"] if isinstance(document, dict) else str(document)
    tree = parse(text)
    selected = tree.definitions[0].selection_set.selections[0]  # type: ignore[attr-defined]
    body = _body(visit(tree, _ReplaceValues(chance, known)), chance)
    is_query = not text.lstrip().startswith("mutation")
    return Request(role, body, "GET" if is_query and chance.random() < 0.1 else "POST", selected.name.value)


class _ReplaceValues(Visitor):
    """Replaces generated values by known and harmful ones."""

    def __init__(self, chance: random.Random, known: list[str]) -> None:
        super().__init__()
        self._chance = chance
        self._known = known

    def leave_string_value(self, node: StringValueNode, *_: Any) -> Node | None:
        drawn = self._chance.random()
        if drawn < 0.65:
            return StringValueNode(value=self._chance.choice(self._known))
        return StringValueNode(value=self._chance.choice(HARMFUL_TEXTS)) if drawn < 0.8 else node

    def leave_int_value(self, node: IntValueNode, *_: Any) -> Node | None:
        if self._chance.random() < 0.3:
            return IntValueNode(value=str(self._chance.choice(HARMFUL_NUMBERS)))
        return node


def _body(tree: Node, chance: random.Random) -> dict[str, Any]:
    """With values in the document; one time in three, with variables."""
    return {"query": print_ast(tree)} if chance.random() < 0.66 else _with_variables(tree)


def _with_variables(tree: Any) -> dict[str, Any]:
    """String arguments become variables, if their names tell their types."""
    variables: dict[str, Any] = {}
    declared: list[str] = []

    class ToVariables(Visitor):
        def leave_string_value(self, node: StringValueNode, _key: Any, parent: Any, _path: Any, ancestors: Any) -> Any:
            name = f"v{len(variables)}"
            kind = _TYPES.get(parent.name.value if hasattr(parent, "name") else "")
            if kind is None or any(isinstance(above, ObjectFieldNode) for above in ancestors):
                return None
            variables[name] = node.value
            declared.append(f"${name}: {kind}")
            return parse(f"{{ a(b: ${name}) }}").definitions[0].selection_set.selections[0].arguments[0].value  # type: ignore[attr-defined]

    written = print_ast(visit(tree, ToVariables()))
    if not declared:
        return {"query": written}
    kind = "mutation" if written.lstrip().startswith("mutation") else "query"
    body = written.lstrip().removeprefix("mutation").removeprefix("query").lstrip()
    return {"query": f"{kind} Fuzzed({', '.join(declared)}) {body}", "variables": variables}


_TYPES: Final = {"id": "ID!", "orderId": "ID!", "shipmentId": "ID!", "after": "String", "search": "String"}
