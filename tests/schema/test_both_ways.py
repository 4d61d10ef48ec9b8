"""The product's schema by plans and by Strawberry: the documents of all pages, and generated ones.

The other tests of tests/schema and tests/system/policy compare both ways, too. The whole suite passes without plans:
`OMS_COMPILED_QUERIES=false make test`.
"""

from typing import Any

import pytest
from graphql import NamedTypeNode, NonNullTypeNode, VariableDefinitionNode
from hypothesis import HealthCheck, Phase, given, seed, settings
from strawberry.types import ExecutionResult

from oms.domain.vocabulary.actor import Role
from oms.platform.documents import parsed
from oms.platform.settings import PROJECT_DIR
from oms.schema.execution.plan_cache import PlannedOperation
from oms.schema.schema import schema
from tests.schema.api import VIEWERS, Api, Known
from tests.schema.both_ways import assert_same_by_strawberry
from tests.system.fuzz.requests import Request, requests

PAGES = sorted(path.relative_to(PROJECT_DIR / "templates") for path in PROJECT_DIR.glob("templates/**/*.graphql"))
CASES = 100


def test_every_page_s_document_has_a_plan() -> None:
    for page in PAGES:
        document = parsed((PROJECT_DIR / "templates" / page).read_text())
        for operation in document.operations:
            name = operation.name.value if operation.name else None
            assert schema.plans.planned(document, name) or operation.operation.value == "subscription", page


@pytest.mark.parametrize("compiled", [True, False])
async def test_plans_can_be_turned_off(api: Api, monkeypatch: pytest.MonkeyPatch, compiled: bool) -> None:
    executed: list[str] = []
    execute = PlannedOperation.execute

    async def recorded(self: PlannedOperation, *arguments: Any) -> ExecutionResult:
        executed.append("plan")
        return await execute(self, *arguments)

    monkeypatch.setattr(PlannedOperation, "execute", recorded)
    context = api.context(VIEWERS[Role.SUPPORT])
    context.compiled_queries = compiled
    result = await schema.execute("{ viewer { role } }", {}, context)
    assert result.data == {"viewer": {"role": "SUPPORT"}}
    assert executed == (["plan"] if compiled else [])


@pytest.mark.parametrize("page", PAGES, ids=str)
async def test_pages_get_the_same_in_each_role(api: Api, page: Any) -> None:
    known = await api.booked()
    text = (PROJECT_DIR / "templates" / page).read_text()
    definitions = parsed(text).operations[0].variable_definitions or ()
    variables = {each.variable.name.value: _value(each, known) for each in definitions}
    for viewer in VIEWERS.values():
        result = await schema.execute(text, variables, api.context(viewer))
        await assert_same_by_strawberry(result, text, variables, api.context(viewer))


def _value(definition: VariableDefinitionNode, known: Known) -> Any:
    """An id or value that exists, if the variable is required or has a known type."""
    kind = definition.type.type if isinstance(definition.type, NonNullTypeNode) else definition.type
    name = kind.name.value if isinstance(kind, NamedTypeNode) else ""
    return {"ID": known.id, "Int": 3, "Boolean": True}.get(name, "tea" if kind is not definition.type else None)


async def test_generated_queries(api: Api) -> None:
    """Of commands none: they do something else the second time."""
    known, with_data = await api.booked(), 0
    for request in _generated([known.id, known.shipment(), "tea", "north", "1"]):
        text, variables = request.body["query"], request.body.get("variables", {})
        for viewer in VIEWERS.values():
            result = await schema.execute(text, variables, api.context(viewer))
            await assert_same_by_strawberry(result, text, variables, api.context(viewer))
            with_data += any(value is not None for value in (result.data or {}).values())
    assert with_data > CASES / 4  # the rest are refused, or find nothing


def _generated(known: list[str]) -> list[Request]:
    """Their roles are left out: which ones are drawn how often depends on the modules that are imported."""
    found: list[Request] = []

    @seed(3)
    @settings(
        max_examples=CASES, phases=[Phase.generate], database=None, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(requests(known, queries_only=True))
    def making(request: Request) -> None:
        found.append(request)

    making()
    return found
