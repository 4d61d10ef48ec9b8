"""The product's own schema by plans and by Strawberry: what pages ask, and what nobody thought of.

Each other test of tests/schema and tests/system/policy compares as well, whatever it is about.
"""

from typing import Any

import pytest
from graphql import NamedTypeNode, NonNullTypeNode, VariableDefinitionNode
from hypothesis import HealthCheck, Phase, given, seed, settings

from oms.platform.documents import parsed
from oms.platform.settings import PROJECT_DIR
from oms.schema.schema import schema
from tests.schema.api import VIEWERS, Api, Known
from tests.schema.both_ways import assert_strawberry_says_the_same
from tests.system.fuzz.requests import Request, requests

PAGES = sorted(path.relative_to(PROJECT_DIR / "templates") for path in PROJECT_DIR.glob("templates/**/*.graphql"))
CASES = 200


def test_every_page_s_document_has_a_plan() -> None:
    for page in PAGES:
        document = parsed((PROJECT_DIR / "templates" / page).read_text())
        for operation in document.operations:
            name = operation.name.value if operation.name else None
            assert schema._known.planned(document, name) or operation.operation.value == "subscription", page


@pytest.mark.parametrize("page", PAGES, ids=str)
async def test_pages_are_told_the_same_whoever_reads_them(api: Api, page: Any) -> None:
    known = await api.booked()
    text = (PROJECT_DIR / "templates" / page).read_text()
    definitions = parsed(text).operations[0].variable_definitions or ()
    variables = {each.variable.name.value: _value(each, known) for each in definitions}
    for viewer in VIEWERS.values():
        result = await schema.execute(text, variables, api.context(viewer))
        await assert_strawberry_says_the_same(result, text, variables, api.context(viewer))


def _value(definition: VariableDefinitionNode, known: Known) -> Any:
    """Something that is there, where that is required or helps."""
    kind = definition.type.type if isinstance(definition.type, NonNullTypeNode) else definition.type
    name = kind.name.value if isinstance(kind, NamedTypeNode) else ""
    return {"ID": known.id, "Int": 3, "Boolean": True}.get(name, "tea" if kind is not definition.type else None)


async def test_whatever_is_asked(api: Api) -> None:
    known, told = await api.booked(), 0
    for request in _made_up([known.id, known.shipment(), "tea", "north", "1"]):
        text, variables = request.body["query"], request.body.get("variables", {})
        viewer = VIEWERS[request.role]
        result = await schema.execute(text, variables, api.context(viewer))
        await assert_strawberry_says_the_same(result, text, variables, api.context(viewer))
        told += any(value is not None for value in (result.data or {}).values())
    assert told > CASES / 10


def _made_up(known: list[str]) -> list[Request]:
    """Queries only: a command that was carried out once is not the same command a second time."""
    found: list[Request] = []

    @seed(1)
    @settings(
        max_examples=CASES, phases=[Phase.generate], database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(requests(known))
    def making(request: Request) -> None:
        found.append(request)

    making()
    return [each for each in found if not each.body["query"].lstrip().startswith("mutation")]
