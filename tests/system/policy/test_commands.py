"""Every mutation and subscription grants what the specification in tests/schema/test_roles.py demands."""

import re
from typing import Any, Final

import pytest

from oms.domain.concepts import REGISTRY
from oms.domain.customers.policy import CustomerPermission
from oms.domain.order.policy import OrderPermission
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.ids import order_id, shipment_id
from oms.domain.vocabulary.permission import Reach
from oms.schema.schema import schema
from tests.schema.api import VIEWERS, Api, codes
from tests.schema.test_roles import MUTATIONS, QUERIES, SUBSCRIPTIONS, everything, filled
from tests.system.policy.scene import BEN, narrowed

RULES: Final = {"Query": QUERIES, "Mutation": MUTATIONS, "Subscription": SUBSCRIPTIONS}
OF_CUSTOMERS: Final = frozenset(Reach) - {Reach.ALL}


def granted(root: str, field: str) -> frozenset[Role]:
    """The roles with all permissions that the field needs."""
    return frozenset(role for role in Role if all(role in need.reach for need in schema.needs[root, field]))


@pytest.mark.parametrize(("root", "field"), [(root, field) for root, rules in RULES.items() for field in rules])
def test_a_root_field_is_granted_to_the_roles_of_the_specification(root: str, field: str) -> None:
    assert granted(root, field) == RULES[root][field].roles


def owned(role: Role) -> list[str]:
    """The mutations that the role may use with some objects and not with others."""
    return [
        field
        for field in MUTATIONS
        for need in schema.needs["Mutation", field]
        if need.reach.get(role) in OF_CUSTOMERS and MUTATIONS[field].variables.get("id")
    ]


def test_mutations_limited_to_own_or_carried_things() -> None:
    assert set(owned(Role.CUSTOMER)) == {"acceptAmendedOrder", "cancelOrder"}
    assert set(owned(Role.COURIER)) == {"dispatchShipment", "deliverShipment", "tryDeliveryAgain", "failShipment"}


@pytest.mark.parametrize("field", owned(Role.CUSTOMER))
async def test_to_a_customer_another_s_order_looks_like_none(api: Api, field: str) -> None:
    theirs = await filled(api, MUTATIONS[field])
    before = await everything(api)
    answers = [
        await api.ask(MUTATIONS[field].document, BEN, id=key)
        for key in (theirs["id"], f"ord_{'0' * 32}", "ord_", theirs["id"].upper())
    ]
    assert codes(answers[0]) == ["NOT_FOUND"]
    assert answers == [answers[0]] * len(answers)
    assert await everything(api) == before


@pytest.mark.parametrize("field", owned(Role.COURIER))
async def test_to_a_courier_an_unbooked_shipment_looks_like_none(api: Api, field: str) -> None:
    known = await api.amended()
    before = await everything(api)
    answers = [
        await api.ask(MUTATIONS[field].document, VIEWERS[Role.COURIER], id=key)
        for key in (known.shipment(), known.shipment(7), f"shp_{'0' * 32}_1", "shp_")
    ]
    assert codes(answers[0]) == ["NOT_FOUND"]
    assert answers == [answers[0]] * len(answers)
    assert await everything(api) == before


@pytest.mark.parametrize("field", sorted(MUTATIONS))
async def test_a_token_needs_what_the_field_declares_and_no_more(api: Api, field: str) -> None:
    needed, rule = schema.needs["Mutation", field], MUTATIONS[field]
    viewer = VIEWERS[min(granted("Mutation", field))]
    variables = await filled(api, rule)
    before = await everything(api)
    others = frozenset(REGISTRY.permissions.values()) - needed
    assert codes(await api.ask(rule.document, narrowed(viewer, *others), **variables)) == ["FORBIDDEN"]
    assert await everything(api) == before
    payload = await api.ask(rule.document, narrowed(viewer, *needed), **variables)
    assert codes(payload) == []
    assert not any(payload.get(subject) for subject in ("order", "shipment", "fraudSettings"))


WHOLE_ORDER: Final = "{ id reference total { amount } customer { reference } shipments { payment { status } } }"


@pytest.mark.parametrize(("field", "role"), [(f, r) for f in sorted(MUTATIONS) for r in sorted(granted("Mutation", f))])
async def test_a_payload_shows_its_subject_as_far_as_the_role_may_see_it(
    api: Api,
    field: str,
    role: Role,
) -> None:
    rule = MUTATIONS[field]
    whole = re.sub(r"order \{ id \}", f"order {WHOLE_ORDER}", rule.document)
    whole = re.sub(r"shipment \{ id \}", f"shipment {{ id order {WHOLE_ORDER} }}", whole)
    result: Any = await api.ask(whole, VIEWERS[role], **await filled(api, rule))
    sees_money = role in OrderPermission.READ_MONEY.reach
    for order in _orders(result):
        assert (order["customer"] is not None) == (role in CustomerPermission.READ_CUSTOMER.reach)
        assert all((shipment["payment"] is not None) == sees_money for shipment in order["shipments"])
        assert sees_money or order["total"] is None


def _orders(result: Any) -> list[dict[str, Any]]:
    """At any place in a result."""
    if isinstance(result, list):
        return [order for entry in result for order in _orders(entry)]
    if not isinstance(result, dict):
        return []
    return [result] if "reference" in result and "shipments" in result else _orders(list(result.values()))


async def test_a_forbidden_command_looks_the_same_whatever_its_id(api: Api) -> None:
    """For a role that may not use it at all."""
    known = await api.booked()
    document = MUTATIONS["dispatchShipment"].document
    ids = (known.shipment(), shipment_id(known.key, 9), order_id(known.key), "nonsense")
    answers = [await api.ask(document, VIEWERS[Role.SUPPORT], id=each) for each in ids]
    assert codes(answers[0]) == ["FORBIDDEN"]
    assert answers == [answers[0]] * len(answers)
