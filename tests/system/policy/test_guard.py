"""The schema is held to its table: holes are planted here, in a small one and in the real one, and noticed."""

from collections.abc import Mapping
from typing import Any

import pytest
import strawberry
from graphql import GraphQLSchema, build_schema
from strawberry.schema.config import StrawberryConfig

from oms.domain.access.permissions import Viewer, may
from oms.domain.concepts import REGISTRY
from oms.domain.fulfilment.policy import FulfilmentPermission
from oms.domain.order.policy import OrderPermission
from oms.domain.parked.policy import ParkedPermission
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.permission import Permission
from oms.schema.runtime.errors import ToldErrors
from oms.schema.runtime.field_permissions import Guarded, NobodyMaySee, guard
from oms.schema.runtime.scalars import SCALARS
from oms.schema.runtime.visibility import NEEDS, VISIBLE, needs_of
from oms.schema.schema import Mutation, Query, schema
from oms.schema.subscriptions import Subscription
from tests.shop import COURIER, SUPPORT
from tests.system.policy.conftest import Staged


def unguarded() -> strawberry.Schema:
    """The product's types as they are without their table."""
    config = StrawberryConfig(scalar_map=SCALARS)
    return strawberry.Schema(Query, Mutation, Subscription, config=config, extensions=[ToldErrors])


def test_a_schema_with_a_field_that_the_table_does_not_name_is_not_built() -> None:
    with pytest.raises(NobodyMaySee, match=r"does not say who may see: Invoice\.tax$"):
        guard(unguarded()._schema, {step: need for step, need in NEEDS.items() if step != ("Invoice", "tax")})


def test_a_table_that_names_what_the_schema_does_not_have_is_noticed() -> None:
    with pytest.raises(NobodyMaySee, match=r"does not have: Order\.margin$"):
        guard(unguarded()._schema, {**NEEDS, ("Order", "margin"): frozenset({OrderPermission.READ_MONEY})})


def test_every_field_of_the_schema_stands_in_the_table() -> None:
    guard(unguarded()._schema, NEEDS)


@pytest.mark.parametrize("operation", [OrderPermission.READ_ORDER, None], ids=str)
async def test_a_wrong_entry_shows_a_courier_what_is_not_for_couriers(
    staged: Staged, operation: Permission | None
) -> None:
    """So the walk over all fields would fail, which takes what is allowed from the right table."""
    wrong = {
        **VISIBLE["Order"],
        OrderPermission.READ_MONEY: "",
        operation: f"{VISIBLE['Order'].get(operation, '')} total",
    }
    holed = unguarded()
    guard(holed._schema, needs_of({**VISIBLE, "Order": wrong}))
    document = f"{{ order{staged.scene.arguments()['order'][0]} {{ total {{ amount }} }} }}"
    leaking = await holed.execute(document, context_value=staged.api.context(COURIER))
    assert leaking.data is not None
    assert leaking.data["order"]["total"]["amount"] > 0
    assert await staged.api.ask(document, COURIER) == {"total": None}


SMALL = """
type Query { open: Thing, shut: Thing, node: Node }
interface Node { id: ID }
type Thing implements Node { id: ID, secret: Int, name: String }
"""


def granted(needs: Mapping[tuple[str, str], frozenset[Permission]]) -> set[str]:
    """The fields of Thing that are asked about again where Query's need what is given."""
    built: GraphQLSchema = build_schema(SMALL)
    thing: Any = built.type_map["Thing"]
    for field in thing.fields.values():
        field.resolve = print
    guard(
        built,
        {**needs, **needs_of({"Thing": {OrderPermission.READ_ORDER: "id name", OrderPermission.READ_MONEY: "secret"}})},
    )
    return {name for name, field in thing.fields.items() if field.resolve is not print}


def test_what_was_asked_about_on_every_way_is_not_asked_about_again() -> None:
    order = frozenset({OrderPermission.READ_ORDER})
    everywhere = {("Query", "open"): order, ("Query", "shut"): order, ("Query", "node"): order}
    assert granted(everywhere) == {"secret"}


@pytest.mark.parametrize("way", ["open", "node"])
def test_one_way_round_is_enough_to_ask_again(way: str) -> None:
    """Also through an interface."""
    order = frozenset({OrderPermission.READ_ORDER})
    needs = {("Query", "open"): order, ("Query", "shut"): order, ("Query", "node"): order}
    assert granted({**needs, ("Query", way): frozenset()}) == {"id", "name", "secret"}


def test_the_fields_of_an_order_that_everybody_sees_cost_nothing_more() -> None:
    fields: Any = schema._schema.type_map["Order"]
    wrapped = {name for name, field in fields.fields.items() if isinstance(field.resolve, Guarded)}
    assert wrapped == {"customer", "total", "work"}


def test_a_token_may_narrow_a_role_and_never_widen_it() -> None:
    courier = Viewer("c", Role.COURIER, scope=frozenset({OrderPermission.READ_MONEY, FulfilmentPermission.DISPATCH}))
    assert [each for each in REGISTRY.permissions.values() if may(courier, each)] == [FulfilmentPermission.DISPATCH]
    assert may(SUPPORT, ParkedPermission.MEND_WORK)
