"""A plan's result is graphql-core's, to the letter: data, errors, their paths and their order."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType

import pytest
import strawberry
from graphql import FragmentDefinitionNode, GraphQLError, OperationDefinitionNode, parse
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionContext

from oms.schema.compiled import run
from oms.schema.compiled.execution import execute
from oms.schema.compiled.guards import Guarded
from oms.schema.compiled.inputs import Inputs
from oms.schema.compiled.leaves import Leaves
from oms.schema.compiled.plan import Compiler
from oms.schema.compiled.run import FieldInfo, ResultLimit
from oms.schema.compiled.uncompiled import Uncompiled

MinorUnits = NewType("MinorUnits", int)


def parse_minor(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 2**53:
        raise GraphQLError("MinorUnits is a whole number within ±2^53.")
    return value


class Colour(StrEnum):
    RED = "r"
    BLUE = "b"


strawberry.enum(Colour)


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Thing(Named):
    """`depth` counts down. Its fields fail in every possible way."""

    depth: strawberry.Private[int]
    number: int | None = 7
    huge: int | None = 2**31
    ratio: float = 0.5
    infinite: float | None = float("inf")
    colour: Colour = Colour.BLUE
    no_colour: str = Colour.RED
    wrong_number: int | None = "seven"  # type: ignore[assignment]
    null: str | None = None
    null_required: str = None  # type: ignore[assignment]
    nulls: list[str | None] = strawberry.field(default_factory=lambda: ["a", None, "b"])
    nulls_required: list[str] | None = strawberry.field(default_factory=lambda: ["a", None])
    no_list: list[str] | None = 5  # type: ignore[assignment]

    @strawberry.field
    def raises(self) -> str | None:
        raise LookupError("raises")

    @strawberry.field
    def raises_required(self) -> str:
        raise LookupError("raises required")

    @strawberry.field
    async def later(self) -> str:
        await asyncio.sleep(0)
        return "later"

    @strawberry.field
    async def at_once(self) -> str:
        return "at once"

    @strawberry.field
    async def later_raises(self) -> str | None:
        await asyncio.sleep(0)
        raise LookupError("later raises")

    @strawberry.field
    async def later_raises_required(self) -> str:
        await asyncio.sleep(0)
        raise LookupError("later raises required")

    @strawberry.field
    async def later_null_required(self) -> str:
        return None  # type: ignore[return-value]

    @strawberry.field
    def thing(self) -> "Thing | None":
        return thing(self.depth - 1)

    @strawberry.field
    def thing_required(self) -> "Thing":
        return thing(self.depth - 1)  # type: ignore[return-value]

    @strawberry.field
    async def thing_later(self) -> "Thing | None":
        await asyncio.sleep(0)
        return thing(self.depth - 1)

    @strawberry.field
    async def thing_later_required(self, info: strawberry.Info) -> "Thing":
        assert info.field_name == "thingLaterRequired"
        return thing(self.depth - 1)  # type: ignore[return-value]

    @strawberry.field
    def secret(self) -> str | None:
        return "secret"

    @strawberry.field
    def secret_required(self) -> str:
        return "secret"

    @strawberry.field
    async def of_parent(parent: strawberry.Parent["Thing"], times: int = 2) -> str:  # noqa: N805
        return parent.name * times

    @strawberry.field
    def named(self) -> Named | None:
        return Other(name="other") if self.depth % 2 else thing(self.depth)

    @strawberry.field
    def things(self) -> "list[Thing | None]":
        return [thing(self.depth - 1), None, thing(self.depth - 2)]

    @strawberry.field
    async def things_required(self) -> "list[Thing] | None":
        return [thing(self.depth - 1), thing(self.depth - 2)]  # type: ignore[list-item]

    @strawberry.field
    def rows(self) -> "list[list[Thing | None]]":
        return [[thing(self.depth - 1)], [], [None, thing(self.depth - 2)]]


def thing(depth: int) -> Thing | None:
    return Thing(name=f"thing {depth}", depth=depth) if depth >= 0 else None


@strawberry.type
class Other(Named):
    other: bool = True


@strawberry.input
class Inner:
    colours: list[Colour]
    text: str | None = "unsaid"
    flag: bool = False


@strawberry.input
class Outer:
    required: int
    inner: Inner | None = None
    inners: list[Inner] | None = strawberry.UNSET
    id: strawberry.ID | None = None
    ratio: float | None = None
    amount: MinorUnits | None = None
    at: datetime | None = None
    nothing_said: str | None


@strawberry.type
class Query:
    @strawberry.field
    def thing(self) -> Thing | None:
        return thing(3)

    @strawberry.field
    async def thing_required(self, info: strawberry.Info) -> Thing:
        await asyncio.sleep(0)
        assert info.context is not None
        return thing(2)  # type: ignore[return-value]

    @strawberry.field
    def said(
        self,
        outer: Outer | None = None,
        texts: list[str] | None = None,
        rows: list[list[int | None]] | None = None,
        colour: Colour = Colour.RED,
        first: int | None = 20,
        left_out: str | None = strawberry.UNSET,
    ) -> str:
        return repr((outer, texts, rows, colour, first, left_out))


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def count(self, info: strawberry.Info, up_to: int = 1) -> Thing | None:
        info.context.append(up_to)
        await asyncio.sleep(0)
        info.context.append(-up_to)
        return thing(1)

    @strawberry.mutation
    async def fail(self) -> Thing:
        raise LookupError("failed")


class Silent(strawberry.Schema):
    """Does not log: errors are intended."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None: ...


SCALARS: dict[object, Any] = {MinorUnits: strawberry.scalar(name="MinorUnits", serialize=int, parse_value=parse_minor)}
SCHEMA = Silent(Query, Mutation, types=[Other], config=StrawberryConfig(scalar_map=SCALARS))


class Nobody:
    """A guard that allows nothing."""

    def allows(self, context: Any, /) -> bool:
        return False

    def refusal(self, context: Any, /) -> Exception:
        return PermissionError("nobody may")


def _guard(field_name: str, *, is_silent: bool) -> None:
    thing_type: Any = SCHEMA._schema.type_map["Thing"]
    field = thing_type.fields[field_name]
    field.resolve = Guarded(field.resolve, Nobody(), is_silent=is_silent)


_guard("secret", is_silent=True)
_guard("secretRequired", is_silent=False)


@dataclass
class Result:
    data: Any
    errors: list[Any]
    context: list[int]


NO_LIMIT = ResultLimit(10**9, lambda _: GraphQLError("too many values"))


async def by_plan(text: str, variables: Mapping[str, Any], limit: ResultLimit = NO_LIMIT) -> Result:
    document = parse(text)
    [operation] = (each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    max_fields = document.token_count or sum(1 for _ in text.split())
    plan = Compiler(SCHEMA, Inputs(SCHEMA.config), Leaves(), fragments, operation, max_fields).plan()
    context: Any = []
    data, errors = await execute(plan, SCHEMA._schema, context, variables, limit, hide_suggestions=False)
    return Result(data, [error.formatted for error in errors], context)


async def by_strawberry(text: str, variables: Mapping[str, Any]) -> Result:
    context: list[int] = []
    executed = await SCHEMA.execute(text, dict(variables), context)
    return Result(executed.data, [error.formatted for error in executed.errors or ()], context)


async def assert_same(text: str, variables: Mapping[str, Any] | None = None) -> Result:
    plan, own = await by_plan(text, variables or {}), await by_strawberry(text, variables or {})
    assert plan == own
    assert repr(plan.data) == repr(own.data)  # the order of fields, and 1 is not True
    return plan


async def assert_same_but_for_chance(text: str) -> None:
    """If several fields of an object fail at the same time, chance decides whose error is reported, and in which order.

    But each null that an error caused has an error.
    """
    plan, own = await by_plan(text, {}), await by_strawberry(text, {})
    assert repr(plan.data) == repr(own.data)
    assert nulls(plan) == nulls(own)


def nulls(result: Result) -> set[tuple[str | int, ...]]:
    """What became null because of errors: each field that failed, or one above it."""
    found = set()
    for error in result.errors:
        value: Any
        value, place = result.data, []
        for key in error["path"]:
            if value is None:
                break
            value = value[key]
            place.append(key)
        assert value is None
        found.add(tuple(place))
    return found


IMMEDIATE = [
    "name", "number", "huge", "ratio", "infinite", "colour", "noColour", "wrongNumber", "null", "nullRequired", "nulls",
    "nullsRequired", "noList", "raises", "raisesRequired", "__typename", "alias: name", "secret", "secretRequired",
    "ofParent",
]  # fmt: skip
FINE = ["name", "secret", "number", "ratio", "colour", "null", "nulls", "__typename"]
LATER = ["later", "thrice: ofParent(times: 3)", "atOnce", "laterRaises", "laterRaisesRequired", "laterNullRequired"]
OBJECTS = ["thing", "thingRequired", "things", "rows", "again: thing"]
OBJECTS_LATER = ["thingLater", "thingLaterRequired", "thingsRequired"]


def selections(leaves: list[str], objects: list[str]) -> st.SearchStrategy[str]:
    """Selections of a Thing, some levels deep."""
    leaf = st.lists(st.sampled_from(leaves), min_size=1, max_size=4).map(" ".join)

    def deeper(within: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        field = st.tuples(st.sampled_from(objects), within).map(lambda pair: f"{pair[0]} {{ {pair[1]} }}")
        named = within.map(lambda each: f"named {{ name ... on Thing {{ {each} }} ... on Other {{ other }} }}")
        fragment = within.map(lambda each: f"... on Thing {{ {each} }}")
        return st.lists(st.one_of(field, named, fragment, leaf), min_size=1, max_size=4).map(" ".join)

    return st.recursive(leaf, deeper, max_leaves=6)


@settings(max_examples=200, deadline=None)
@given(selection=st.one_of(selections(IMMEDIATE, OBJECTS), selections(FINE, OBJECTS)))
def test_generated_selections_with_errors(selection: str) -> None:
    asyncio.run(assert_same(f"{{ thing {{ {selection} }} second: thing {{ {selection} }} }}"))


@pytest.mark.filterwarnings(
    "ignore:coroutine .* was never awaited"
)  # graphql-core cancels coroutines before they start
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@settings(max_examples=200, deadline=None)
@given(
    selection=st.one_of(
        selections(IMMEDIATE + LATER, OBJECTS + OBJECTS_LATER), selections(FINE + LATER[:3], OBJECTS + OBJECTS_LATER)
    ),
    root=st.sampled_from(["thing", "thingRequired"]),
)
def test_generated_selections_that_wait(selection: str, root: str) -> None:
    asyncio.run(assert_same_but_for_chance(f"{{ {root} {{ {selection} }} second: thing {{ {selection} }} }}"))


OUTER = "query ($outer: Outer) { said(outer: $outer) }"
ARGUMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "nothing": ("{ said }", {}),
    "literals": ('{ said(outer: {required: 1, inner: {colours: [RED, BLUE]}}, texts: ["a"], colour: BLUE) }', {}),
    "literals for lists of one": ('{ said(texts: "a", rows: 1, outer: {required: 1, inners: {colours: RED}}) }', {}),
    "null literals": ("{ said(outer: null, texts: null, first: null, leftOut: null) }", {}),
    "a variable": (OUTER, {"outer": {"required": 5}}),
    "a variable of all kinds": (
        OUTER,
        {
            "outer": {
                "required": 5.0, "inner": {"colours": ["RED"], "text": None, "flag": True}, "id": 17, "ratio": 1,
                "inners": [{"colours": []}, {"colours": "BLUE"}], "amount": 2**53, "at": "2026-11-21T18:50:00+01:00",
            }
        },
    ),
    "a variable that is null": (OUTER, {"outer": None}),
    "an absent variable": (OUTER, {}),
    "nulls within a variable": (OUTER, {"outer": {"required": 1, "inner": None, "inners": None, "nothingSaid": None}}),
    "a default": ("query ($n: Int = 3) { said(first: $n) }", {}),
    "null instead of a default": ("query ($n: Int = 3) { said(first: $n) }", {"n": None}),
    "a default that is a list": ('query ($t: [String!] = ["x"]) { said(texts: $t) }', {}),
    "a default of the argument": ("query ($n: Int) { said(first: $n) }", {}),
    "null instead of a default of the argument": ("query ($n: Int) { said(first: $n) }", {"n": None}),
    "a nullable variable for a non-null argument": ("query ($c: Colour = RED) { said(colour: $c) }", {"c": None}),
    "the same, absent": ("query ($c: Colour) { said(colour: $c) }", {}),
    "the same, given": ("query ($c: Colour) { said(colour: $c) }", {"c": "BLUE"}),
    "variables within literals": (
        """query ($n: Int!, $t: String, $c: Colour!) {
            said(outer: {required: $n, inner: {colours: [$c], text: $t}}, rows: [[$n, 2]]) }""",
        {"n": 4, "c": "BLUE"},
    ),
    "a list for one": ("query ($t: [String!]) { said(texts: $t) }", {"t": "one"}),
    "lists in lists": ("query ($r: [[Int]!]) { said(rows: $r) }", {"r": [[1, None], [], 3]}),
    "an undeclared variable": ("query ($n: Int) { said(first: $n) }", {"n": 1, "m": 2}),
    "not an int": ("query ($n: Int) { said(first: $n) }", {"n": "1"}),
    "a boolean is no int": ("query ($n: Int) { said(first: $n) }", {"n": True}),
    "too large an int": ("query ($n: Int) { said(first: $n) }", {"n": 2**31}),
    "half an int": ("query ($n: Int) { said(first: $n) }", {"n": 1.5}),
    "no text": ("query ($t: [String!]) { said(texts: $t) }", {"t": [1]}),
    "null in a list that has none": ("query ($t: [String!]) { said(texts: $t) }", {"t": ["a", None]}),
    "no such name": ("query ($c: Colour!) { said(colour: $c) }", {"c": "REDD"}),
    "an enum's text is not its name": ("query ($c: Colour!) { said(colour: $c) }", {"c": "r"}),
    "an absent required variable": ("query ($c: Colour!) { said(colour: $c) }", {}),
    "a required variable that is null": ("query ($c: Colour!) { said(colour: $c) }", {"c": None}),
    "no object": (OUTER, {"outer": [1]}),
    "an object without a required field": (OUTER, {"outer": {"inner": {}}}),
    "an object with an unknown field": (OUTER, {"outer": {"required": 1, "requird": 2}}),
    "null for a required field": (OUTER, {"outer": {"required": None}}),
    "no instant, too much money, no flag": (
        OUTER,
        {"outer": {"required": 1, "at": "now", "amount": 2**54, "inner": {"colours": ["RED", 1], "flag": "x"}}},
    ),
    "more errors than the limit": (
        "query ($t: [String!]) { said(texts: $t) }", {"t": list(range(60))},
    ),
    "two variables that are wrong": (
        "query ($n: Int, $c: Colour!) { said(first: $n, colour: $c) }", {"n": "x", "c": "y"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "variables"), ARGUMENTS.values(), ids=ARGUMENTS.keys())
async def test_arguments_and_variables(text: str, variables: dict[str, Any]) -> None:
    await assert_same(text, variables)


@pytest.mark.parametrize(
    "text",
    [
        "mutation { a: count(upTo: 1) { name } b: count(upTo: 2) { later } c: count { thing { name } } }",
        "mutation { a: count(upTo: 1) { name } fail { name } b: count(upTo: 2) { name } }",
        "mutation { a: count(upTo: 1) { laterRaisesRequired } b: count(upTo: 2) { __typename name } __typename }",
    ],
)
async def test_mutations_run_one_after_the_other(text: str) -> None:
    assert (await assert_same(text)).context


@pytest.mark.parametrize(
    "text",
    [
        "{ __schema { queryType { name } } }",
        "query ($x: Boolean!) { thing { name @skip(if: $x) } }",
        "query ($i: Inner!) { said(outer: {required: 1, inner: $i}) }",
        "query ($o: Outer = {required: 1}) { said(outer: $o) }",
        "{ thing { ...F0 } } fragment F6 on Thing { name }"
        + "".join(
            f" fragment F{n} on Thing {{ a: thing {{ ...F{n + 1} }} b: thing {{ ...F{n + 1} }} }}" for n in range(6)
        ),
    ],
)
async def test_operations_without_a_plan_are_refused_before_execution(text: str) -> None:
    with pytest.raises(Uncompiled):
        await by_plan(text, {"x": True, "i": {"colours": []}})


@pytest.mark.parametrize("per_turn", [1, 5])
@pytest.mark.parametrize(
    "text",
    [
        "{ thing { things { name thing { things { name raises } } } } }",
        "{ thing { things { name thingLater { things { laterRaises } } } } }",
        "{ thing { things { nullRequired } } }",
    ],
)
async def test_a_long_result_takes_turns_and_stays_the_same(
    text: str, per_turn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "VALUES_PER_TURN", per_turn)
    await assert_same_but_for_chance(text)


async def test_others_run_while_a_long_result_is_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "VALUES_PER_TURN", 5)
    rounds = 0

    async def count() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    things = "things { name " * 6 + "}" * 6
    results = await asyncio.gather(*(by_plan(f"{{ thing {{ {things} }} }}", {}) for _ in range(3)))
    counting.cancel()
    values = sum(str(result.data).count("name") for result in results)
    assert rounds >= values / 5


async def test_a_result_above_the_limit_is_refused() -> None:
    text = "{ thing { name number things { name } } }"  # 1 + 3 + 2 × 1 values
    limit = ResultLimit(5, lambda _: GraphQLError("too many values"))
    result = await by_plan(text, {}, limit)
    assert [error["message"] for error in result.errors] == ["too many values"]
    assert (await by_plan(text, {}, ResultLimit(6, limit.exceeded))).errors == []


async def test_a_resolver_gets_the_selection_below_its_field(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[FieldInfo] = []

    async def resolve(self: Query, info: Any) -> Thing | None:
        seen.append(info)
        return thing(1)

    field: Any = SCHEMA._schema.type_map["Query"]
    resolver = field.fields["thingRequired"].extensions["strawberry-definition"].base_resolver
    monkeypatch.setattr(resolver, "wrapped_func", resolve)
    await by_plan("query ($n: Int = 1) { thingRequired { name ofParent(times: $n) } }", {})
    assert [info.selection.paths for info in seen] == [{"name", "ofParent"}]
    assert [info.variable_values for info in seen] == [{"n": 1}]
