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


async def ended(api: Api) -> None:
    order = await api.shop.place({"pen": 1}, customer="ana", email="ana@canary.example", reference="ana-1")
    await api.shop.cancel(order)


async def audited(api: Api) -> list[tuple[object, ...]]:
    return await api.shop.rows("SELECT action, reason FROM audit_events WHERE action LIKE 'Customer%' ORDER BY id")


async def test_what_is_held_is_told_each_time_and_kept_under_no_key(api: Api) -> None:
    await ended(api)
    for _ in range(2):
        told = await api.ask(EXPORT, MANAGER, KEY, of="ana")
        held = json.loads(told["held"])
        assert held["orders"][0]["email"] == "ana@canary.example"
        assert held.keys() >= {"customers", "orders", "order_lines", "shipments", "order_events", "accounts"}
    assert await audited(api) == [("CustomerExported", None)] * 2
    assert await api.shop.rows("SELECT * FROM idempotency_keys") == []


async def test_who_was_erased_is_shown_under_the_pseudonym_and_again_for_the_same_key(api: Api) -> None:
    await ended(api)
    answers = [await api.ask(ERASE, MANAGER, KEY, of="ana", reason="Asked for on 1 May") for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0]["customer"]["reference"].startswith("erased-")
    assert answers[0]["customer"]["orders"]["nodes"] == [{"reference": "ana-1"}]
    assert await audited(api) == [("CustomerErased", "Asked for on 1 May")]
    assert codes(await api.ask(EXPORT, MANAGER, of="ana")) == ["NOT_FOUND"]


async def test_a_refusal_is_in_the_payload_and_nothing_changes(api: Api) -> None:
    order = await api.shop.place({"pen": 1}, customer="ana", email="ana@canary.example", reference="under-way")
    told = await api.ask(ERASE, MANAGER, of="ana", reason="Asked for")
    assert told["customer"] is None
    [error] = told["userErrors"]
    assert (error["code"], error["path"]) == ("CONFLICT", ["reference"])
    assert "under-way" in error["message"]
    assert codes(await api.ask(ERASE, MANAGER, of="ana", reason="")) == ["INVALID"]
    assert codes(await api.ask(ERASE, MANAGER, of="nobody", reason="Asked for")) == ["NOT_FOUND"]
    assert (await api.shop.order(order)).details.email == "ana@canary.example"
    assert await audited(api) == []


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.MANAGER}))
async def test_to_others_nothing_is_told_and_nobody_is_erased(api: Api, role: Role) -> None:
    await ended(api)
    viewer = Viewer("ana", role, "ana" if role == Role.CUSTOMER else None)
    told = await api.ask(EXPORT, viewer, of="ana")
    assert (told["held"], codes(told)) == (None, ["FORBIDDEN"])
    assert codes(await api.ask(ERASE, viewer, of="ana", reason="Why not")) == ["FORBIDDEN"]
    assert await api.shop.rows("SELECT reference FROM customers") == [("ana",)]
