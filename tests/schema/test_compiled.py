"""What a plan answers is what graphql-core answers, to the letter: data, errors, their places and their order."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pytest
import strawberry
from graphql import GraphQLError
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionContext

from oms.platform.documents import parsed
from oms.schema.compiled.execution import executed
from oms.schema.compiled.inputs import Inputs
from oms.schema.compiled.leaves import Leaves
from oms.schema.compiled.plan import Compiler
from oms.schema.compiled.uncompiled import Uncompiled
from oms.schema.runtime.scalars import SCALARS, Instant, MinorUnits


class Colour(StrEnum):
    RED = "r"
    BLUE = "b"


strawberry.enum(Colour)


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Thing(Named):
    """`depth` counts down, and what is deep enough goes wrong in each way there is."""

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
    at: Instant | None = None
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
    """What goes wrong here goes wrong on purpose."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None: ...


SCHEMA = Silent(Query, Mutation, types=[Other], config=StrawberryConfig(scalar_map=SCALARS))


@dataclass
class Answer:
    data: Any
    errors: list[Any]
    context: list[int]


async def by_plan(text: str, variables: Mapping[str, Any], name: str | None = None) -> Answer:
    document = parsed(text)
    operation = document.chosen(name)
    assert operation is not None
    plan = Compiler(SCHEMA, Inputs(SCHEMA.config), Leaves(), document, operation).plan()
    context: Any = []
    data, errors = await executed(plan, SCHEMA._schema, context, variables, hides_suggestions=False)
    return Answer(data, [error.formatted for error in errors], context)


async def by_strawberry(text: str, variables: Mapping[str, Any], name: str | None = None) -> Answer:
    context: list[int] = []
    result = await SCHEMA.execute(text, dict(variables), context, operation_name=name)
    return Answer(result.data, [error.formatted for error in result.errors or ()], context)


async def assert_same(text: str, variables: Mapping[str, Any] | None = None) -> Answer:
    plan, own = await by_plan(text, variables or {}), await by_strawberry(text, variables or {})
    assert plan == own
    assert repr(plan.data) == repr(own.data)  # the order of fields, and 1 is not True
    return plan


async def assert_same_but_for_chance(text: str) -> None:
    """Where several fields of an object fail at the same time, it is chance which of them are told of.

    So is the order of all errors. That each null which an error made has one is not.
    """
    plan, own = await by_plan(text, {}), await by_strawberry(text, {})
    assert repr(plan.data) == repr(own.data)
    assert nulls(plan) == nulls(own)


def nulls(answer: Answer) -> set[tuple[str | int, ...]]:
    """What became null because of errors: each field that failed, or what is around it."""
    found = set()
    for error in answer.errors:
        value: Any
        value, place = answer.data, []
        for key in error["path"]:
            if value is None:
                break
            value = value[key]
            place.append(key)
        assert value is None
        found.add(tuple(place))
    return found


AT_ONCE = [
    "name", "number", "huge", "ratio", "infinite", "colour", "noColour", "wrongNumber", "null", "nullRequired", "nulls",
    "nullsRequired", "noList", "raises", "raisesRequired", "__typename", "alias: name",
]  # fmt: skip
FINE = ["name", "number", "ratio", "colour", "null", "nulls", "__typename"]
LATER = ["later", "atOnce", "laterRaises", "laterRaisesRequired", "laterNullRequired"]
OBJECTS = ["thing", "thingRequired", "things", "rows", "again: thing"]
OBJECTS_LATER = ["thingLater", "thingLaterRequired", "thingsRequired"]


def selections(leaves: list[str], objects: list[str]) -> st.SearchStrategy[str]:
    """Of a Thing, some levels deep."""
    leaf = st.lists(st.sampled_from(leaves), min_size=1, max_size=4).map(" ".join)

    def deeper(within: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        field = st.tuples(st.sampled_from(objects), within).map(lambda pair: f"{pair[0]} {{ {pair[1]} }}")
        named = within.map(lambda each: f"named {{ name ... on Thing {{ {each} }} ... on Other {{ other }} }}")
        fragment = within.map(lambda each: f"... on Thing {{ {each} }}")
        return st.lists(st.one_of(field, named, fragment, leaf), min_size=1, max_size=4).map(" ".join)

    return st.recursive(leaf, deeper, max_leaves=6)


@settings(max_examples=200, deadline=None)
@given(selection=st.one_of(selections(AT_ONCE, OBJECTS), selections(FINE, OBJECTS)))
def test_whatever_is_selected_and_whatever_goes_wrong(selection: str) -> None:
    asyncio.run(assert_same(f"{{ thing {{ {selection} }} second: thing {{ {selection} }} }}"))


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")  # graphql-core cancels what has not begun
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@settings(max_examples=200, deadline=None)
@given(
    selection=st.one_of(
        selections(AT_ONCE + LATER, OBJECTS + OBJECTS_LATER), selections(FINE + LATER[:2], OBJECTS + OBJECTS_LATER)
    ),
    root=st.sampled_from(["thing", "thingRequired"]),
)
def test_and_whatever_has_to_wait(selection: str, root: str) -> None:
    asyncio.run(assert_same_but_for_chance(f"{{ {root} {{ {selection} }} second: thing {{ {selection} }} }}"))


OUTER = "query ($outer: Outer) { said(outer: $outer) }"
SAID: dict[str, tuple[str, dict[str, Any]]] = {
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
    "a variable that is left out": (OUTER, {}),
    "nulls within a variable": (OUTER, {"outer": {"required": 1, "inner": None, "inners": None, "nothingSaid": None}}),
    "a default": ("query ($n: Int = 3) { said(first: $n) }", {}),
    "null instead of a default": ("query ($n: Int = 3) { said(first: $n) }", {"n": None}),
    "a default that is a list": ('query ($t: [String!] = ["x"]) { said(texts: $t) }', {}),
    "a default of the argument": ("query ($n: Int) { said(first: $n) }", {}),
    "null instead of a default of the argument": ("query ($n: Int) { said(first: $n) }", {"n": None}),
    "a nullable variable where null is none": ("query ($c: Colour = RED) { said(colour: $c) }", {"c": None}),
    "the same, left out": ("query ($c: Colour) { said(colour: $c) }", {}),
    "the same, said": ("query ($c: Colour) { said(colour: $c) }", {"c": "BLUE"}),
    "variables within literals": (
        """query ($n: Int!, $t: String, $c: Colour!) {
            said(outer: {required: $n, inner: {colours: [$c], text: $t}}, rows: [[$n, 2]]) }""",
        {"n": 4, "c": "BLUE"},
    ),
    "a list for one": ("query ($t: [String!]) { said(texts: $t) }", {"t": "one"}),
    "lists in lists": ("query ($r: [[Int]!]) { said(rows: $r) }", {"r": [[1, None], [], 3]}),
    "more than was asked for": ("query ($n: Int) { said(first: $n) }", {"n": 1, "m": 2}),
    "not an int": ("query ($n: Int) { said(first: $n) }", {"n": "1"}),
    "a boolean is no int": ("query ($n: Int) { said(first: $n) }", {"n": True}),
    "too large an int": ("query ($n: Int) { said(first: $n) }", {"n": 2**31}),
    "half an int": ("query ($n: Int) { said(first: $n) }", {"n": 1.5}),
    "no text": ("query ($t: [String!]) { said(texts: $t) }", {"t": [1]}),
    "null in a list that has none": ("query ($t: [String!]) { said(texts: $t) }", {"t": ["a", None]}),
    "no such name": ("query ($c: Colour!) { said(colour: $c) }", {"c": "REDD"}),
    "an enum's text is not its name": ("query ($c: Colour!) { said(colour: $c) }", {"c": "r"}),
    "a required variable left out": ("query ($c: Colour!) { said(colour: $c) }", {}),
    "a required variable that is null": ("query ($c: Colour!) { said(colour: $c) }", {"c": None}),
    "no object": (OUTER, {"outer": [1]}),
    "an object without what it needs": (OUTER, {"outer": {"inner": {}}}),
    "an object with what it has not": (OUTER, {"outer": {"required": 1, "requird": 2}}),
    "null for what an object needs": (OUTER, {"outer": {"required": None}}),
    "no instant, too much money, no flag": (
        OUTER,
        {"outer": {"required": 1, "at": "now", "amount": 2**54, "inner": {"colours": ["RED", 1], "flag": "x"}}},
    ),
    "more errors than are told": (
        "query ($t: [String!]) { said(texts: $t) }", {"t": list(range(60))},
    ),
    "two variables that are wrong": (
        "query ($n: Int, $c: Colour!) { said(first: $n, colour: $c) }", {"n": "x", "c": "y"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "variables"), SAID.values(), ids=SAID.keys())
async def test_what_is_said_in_arguments_and_variables(text: str, variables: dict[str, Any]) -> None:
    await assert_same(text, variables)


@pytest.mark.parametrize(
    "text",
    [
        "mutation { a: count(upTo: 1) { name } b: count(upTo: 2) { later } c: count { thing { name } } }",
        "mutation { a: count(upTo: 1) { name } fail { name } b: count(upTo: 2) { name } }",
        "mutation { a: count(upTo: 1) { laterRaisesRequired } b: count(upTo: 2) { __typename name } __typename }",
    ],
)
async def test_mutations_are_carried_out_one_after_the_other(text: str) -> None:
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
async def test_what_has_no_plan_is_known_before_anything_is_executed(text: str) -> None:
    with pytest.raises(Uncompiled):
        await by_plan(text, {"x": True, "i": {"colours": []}})
