"""What is asked: operations that schemathesis makes up from the schema, with values that exist or that do harm."""

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

NASTY_TEXTS: Final = (
    "", " ", "\x00", "a\x00b", "\ud800", "a\udfffb", "\x1b[31m", "\r\nSet-Cookie: a=b", "\u202e", "\ufeff", "\u2028",
    "' OR 1=1 --", "'; DROP TABLE orders; --", "%", "_", "\\", "{{7*7}}", "<script>alert(1)</script>",
    "../../etc/passwd", "x" * 10_000, "😀" * 200, "null", "-1", "9" * 400, "1e400", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z", "0000-00-00T00:00:00Z", "ord_", "shp_", "cus_", "ord_" + "f" * 32, "ord_" + "0" * 32,
    "eA==", "////", "XX",
)  # fmt: skip
NASTY_NUMBERS: Final = (0, -1, 1, 2, 20, 99, 100, 101, 2**31 - 1, -(2**31), 2**31, 2**53, 2**63, -(2**63), 10**30)

_ROLES: Final = tuple(Role)


@dataclass(frozen=True, slots=True)
class Question:
    """One request: who sends it, what, by which method, and which root field it asks for."""

    role: Role
    body: dict[str, Any]
    method: str
    root: str


def questions(known: list[str]) -> st.SearchStrategy[Question]:
    """Of every operation of the schema, by every role. Values that are put in afterwards come from a seed."""
    schemathesis.graphql.scalar("DateTime", st.sampled_from(_INSTANTS).map(graphql.nodes.String))
    schemathesis.graphql.scalar("MinorUnits", st.sampled_from(NASTY_NUMBERS).map(graphql.nodes.Int))
    schemathesis.graphql.scalar("CurrencyCode", st.sampled_from(("USD", "JPY", "usd", "")).map(graphql.nodes.String))
    schema = graphql.from_path(PROJECT_DIR / "docs" / "reference" / "schema.graphql")
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    made_up = st.one_of(*(operation.as_strategy() for operation in operations))
    return st.builds(
        _question, made_up.map(lambda case: case.body), st.sampled_from(_ROLES), st.integers(0, 2**32), st.just(known)
    )


_INSTANTS: Final = ("2026-11-21T18:50:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "yesterday")


def _question(document: Any, role: Role, seed: int, known: list[str]) -> Question:
    chance = random.Random(seed)
    text = document["query"] if isinstance(document, dict) else str(document)
    tree = parse(text)
    selected = tree.definitions[0].selection_set.selections[0]  # type: ignore[attr-defined]
    body = _request(visit(tree, _Put(chance, known)), chance)
    is_query = not text.lstrip().startswith("mutation")
    return Question(role, body, "GET" if is_query and chance.random() < 0.1 else "POST", selected.name.value)


class _Put(Visitor):
    """Puts known and nasty values in the place of those made up."""

    def __init__(self, chance: random.Random, known: list[str]) -> None:
        super().__init__()
        self._chance = chance
        self._known = known

    def leave_string_value(self, node: StringValueNode, *_: Any) -> Node | None:
        drawn = self._chance.random()
        if drawn < 0.65:
            return StringValueNode(value=self._chance.choice(self._known))
        return StringValueNode(value=self._chance.choice(NASTY_TEXTS)) if drawn < 0.8 else node

    def leave_int_value(self, node: IntValueNode, *_: Any) -> Node | None:
        if self._chance.random() < 0.3:
            return IntValueNode(value=str(self._chance.choice(NASTY_NUMBERS)))
        return node


def _request(tree: Node, chance: random.Random) -> dict[str, Any]:
    """Values stand in the document, or, one time in three, one root argument comes as a variable."""
    return {"query": print_ast(tree)} if chance.random() < 0.66 else _with_variables(tree)


def _with_variables(tree: Any) -> dict[str, Any]:
    """The strings of the arguments that are IDs or texts by name, taken out into variables."""
    variables: dict[str, Any] = {}
    declared: list[str] = []

    class Out(Visitor):
        def leave_string_value(self, node: StringValueNode, _key: Any, parent: Any, _path: Any, ancestors: Any) -> Any:
            name = f"v{len(variables)}"
            kind = _TYPES.get(parent.name.value if hasattr(parent, "name") else "")
            if kind is None or any(isinstance(above, ObjectFieldNode) for above in ancestors):
                return None
            variables[name] = node.value
            declared.append(f"${name}: {kind}")
            return parse(f"{{ a(b: ${name}) }}").definitions[0].selection_set.selections[0].arguments[0].value  # type: ignore[attr-defined]

    written = print_ast(visit(tree, Out()))
    if not declared:
        return {"query": written}
    kind = "mutation" if written.lstrip().startswith("mutation") else "query"
    body = written.lstrip().removeprefix("mutation").removeprefix("query").lstrip()
    return {"query": f"{kind} Asked({', '.join(declared)}) {body}", "variables": variables}


_TYPES: Final = {"id": "ID!", "orderId": "ID!", "shipmentId": "ID!", "after": "String", "search": "String"}
