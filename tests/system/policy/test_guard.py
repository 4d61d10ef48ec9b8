"""The schema is held to what its fields declare: holes are planted here, in a small schema and in the real one."""

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
from oms.schema.compiled.guards import Guarded
from oms.schema.fulfilment import Courier, Shipment
from oms.schema.order import Order
from oms.schema.runtime import fields
from oms.schema.runtime.errors import MaskedErrors
from oms.schema.runtime.field_permissions import UndeclaredNeeds, guard, needs_of
from oms.schema.runtime.fields import DuplicateField, StrawberryInfo, extends
from oms.schema.runtime.scalars import SCALARS
from oms.schema.schema import schema
from tests.shop import COURIER, SUPPORT
from tests.system.policy.conftest import Staged


def unguarded() -> strawberry.Schema:
    """The product's types without permissions."""
    config = StrawberryConfig(scalar_map=SCALARS, info_class=StrawberryInfo)
    roots = (schema.query, schema.mutation, schema.subscription)
    return strawberry.Schema(*roots, config=config, extensions=[MaskedErrors])


def test_a_schema_with_a_field_that_does_not_say_who_may_see_it_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(fields.TYPE_NEEDS, Courier)
    undeclared = r"needs=….*@object_type.*: Courier\.code \(oms\.schema\.fulfilment\.Courier\), Courier\.name \(.*\)$"
    with pytest.raises(UndeclaredNeeds, match=undeclared):
        needs_of(unguarded()._schema)


def test_root_fields_and_fields_that_several_roles_see_in_part_have_no_default() -> None:
    for type_ in (Order, Shipment, schema.query, schema.mutation, schema.subscription):
        assert type_ not in fields.TYPE_NEEDS or fields.TYPE_NEEDS[type_].default is None


def test_a_field_is_added_to_a_type_only_once() -> None:
    with pytest.raises(DuplicateField, match="Order has a field 'total' already"):

        @extends(Order, "What it costs.", needs=OrderPermission.READ_MONEY)
        def total(order: strawberry.Parent[Order]) -> int:
            return 0


def test_every_field_of_the_schema_says_what_it_needs() -> None:
    built = unguarded()._schema
    assert needs_of(built) == schema.needs
    guard(built, schema.needs)


@pytest.mark.parametrize("permission", [OrderPermission.READ_ORDER, None], ids=str)
async def test_a_wrong_declaration_shows_a_courier_what_is_not_for_couriers(
    staged: Staged, permission: Permission | None
) -> None:
    """So the walk over all fields would fail."""
    holed = unguarded()
    wrong = frozenset({permission} if permission else ())
    guard(holed._schema, {**schema.needs, ("Order", "total"): wrong})
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
    """The fields of Thing that are checked again if the fields of Query have these needs."""
    built: GraphQLSchema = build_schema(SMALL)
    thing: Any = built.type_map["Thing"]
    for field in thing.fields.values():
        field.resolve = print
    read_order, read_money = frozenset({OrderPermission.READ_ORDER}), frozenset({OrderPermission.READ_MONEY})
    of_thing = {("Thing", "id"): read_order, ("Thing", "name"): read_order, ("Thing", "secret"): read_money}
    guard(built, {**needs, **of_thing})
    return {name for name, field in thing.fields.items() if field.resolve is not print}


def test_what_was_checked_on_every_path_is_not_checked_again() -> None:
    order = frozenset({OrderPermission.READ_ORDER})
    everywhere = {("Query", "open"): order, ("Query", "shut"): order, ("Query", "node"): order}
    assert granted(everywhere) == {"secret"}


@pytest.mark.parametrize("way", ["open", "node"])
def test_one_path_without_the_check_is_enough_to_check_again(way: str) -> None:
    """Also through an interface."""
    order = frozenset({OrderPermission.READ_ORDER})
    needs = {("Query", "open"): order, ("Query", "shut"): order, ("Query", "node"): order}
    assert granted({**needs, ("Query", way): frozenset()}) == {"id", "name", "secret"}


def test_the_fields_of_an_order_that_everybody_sees_cost_nothing_more() -> None:
    order: Any = schema._schema.type_map["Order"]
    wrapped = {name for name, field in order.fields.items() if isinstance(field.resolve, Guarded)}
    assert wrapped == {"customer", "email", "money", "notes", "ownReference", "total", "viewerCanAddNote", "work"}


def test_a_token_may_narrow_a_role_and_never_widen_it() -> None:
    courier = Viewer("c", Role.COURIER, scope=frozenset({OrderPermission.READ_MONEY, FulfilmentPermission.DISPATCH}))
    assert [each for each in REGISTRY.permissions.values() if may(courier, each)] == [FulfilmentPermission.DISPATCH]
    assert may(SUPPORT, ParkedPermission.MEND_WORK)
