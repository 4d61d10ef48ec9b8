"""Export and erasure through the API, as managers' programs use it."""

import json

import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.idempotency.keys import IdempotencyKey
from oms.domain.vocabulary.actor import Role
from tests.schema.api import Api, codes
from tests.shop import MANAGER, ShopUnderTest

EXPORT = """mutation ($of: String!) { exportCustomer(reference: $of) { held userErrors { code message path } } }"""
ERASE = """
    mutation ($of: String!, $reason: String!) {
      eraseCustomer(reference: $of, reason: $reason) {
        customer { id reference orders { nodes { reference } } } userErrors { code message path }
      }
    }"""
KEY = IdempotencyKey.of("once", b"erase")


@pytest.fixture
def api(shop: ShopUnderTest) -> Api:
    return Api(shop)


async def place_and_cancel(api: Api) -> None:
    order = await api.shop.place({"pen": 1}, customer="ana", email="ana@canary.example", reference="ana-1")
    await api.shop.cancel(order)


async def audited(api: Api) -> list[tuple[object, ...]]:
    return await api.shop.rows("SELECT action, reason FROM audit_events WHERE action LIKE 'Customer%' ORDER BY id")


async def test_an_export_is_repeated_and_not_stored_under_a_key(api: Api) -> None:
    await place_and_cancel(api)
    for _ in range(2):
        answer = await api.ask(EXPORT, MANAGER, KEY, of="ana")
        held = json.loads(answer["held"])
        assert held["orders"][0]["email"] == "ana@canary.example"
        assert held.keys() >= {"customers", "orders", "order_lines", "shipments", "order_events", "accounts"}
    assert await audited(api) == [("CustomerExported", None)] * 2
    assert await api.shop.rows("SELECT * FROM idempotency_keys") == []


async def test_an_erasure_returns_the_pseudonym_and_again_for_the_same_key(api: Api) -> None:
    await place_and_cancel(api)
    answers = [await api.ask(ERASE, MANAGER, KEY, of="ana", reason="Asked for on 1 May") for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0]["customer"]["reference"].startswith("erased-")
    assert answers[0]["customer"]["orders"]["nodes"] == [{"reference": "ana-1"}]
    assert await audited(api) == [("CustomerErased", "Asked for on 1 May")]
    assert codes(await api.ask(EXPORT, MANAGER, of="ana")) == ["NOT_FOUND"]


async def test_a_refusal_is_in_the_payload_and_nothing_changes(api: Api) -> None:
    order = await api.shop.place({"pen": 1}, customer="ana", email="ana@canary.example", reference="under-way")
    answer = await api.ask(ERASE, MANAGER, of="ana", reason="Asked for")
    assert answer["customer"] is None
    [error] = answer["userErrors"]
    assert (error["code"], error["path"]) == ("CONFLICT", ["reference"])
    assert "under-way" in error["message"]
    assert codes(await api.ask(ERASE, MANAGER, of="ana", reason="")) == ["INVALID"]
    assert codes(await api.ask(ERASE, MANAGER, of="nobody", reason="Asked for")) == ["NOT_FOUND"]
    assert (await api.shop.order(order)).details.email == "ana@canary.example"
    assert await audited(api) == []


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.MANAGER}))
async def test_other_roles_can_neither_export_nor_erase(api: Api, role: Role) -> None:
    await place_and_cancel(api)
    viewer = Viewer("ana", role, "ana" if role == Role.CUSTOMER else None)
    answer = await api.ask(EXPORT, viewer, of="ana")
    assert (answer["held"], codes(answer)) == (None, ["FORBIDDEN"])
    assert codes(await api.ask(ERASE, viewer, of="ana", reason="Why not")) == ["FORBIDDEN"]
    assert await api.shop.rows("SELECT reference FROM customers") == [("ana",)]
