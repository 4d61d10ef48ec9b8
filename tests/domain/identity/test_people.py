"""Managers and people's accounts by API: added, changed, disabled; nobody restricts themselves, one manager remains."""

import asyncio
from typing import Any

import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.audit.model import OPERATOR
from oms.domain.idempotency.keys import IdempotencyKey
from oms.domain.identity import account_commands as accounts
from oms.domain.identity import people_commands as people
from oms.domain.identity import session_commands as sessions
from oms.domain.identity.accounts import Account, NewAccount
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.errors import Refused
from oms.domain.vocabulary.ids import account_id
from tests.schema.api import Api, codes
from tests.shop import MANAGER, SESSION_RULES, ShopUnderTest

PAYLOAD = """{
  person { id login name role customerReference warehouses disabledAt } password userErrors { code reason path } }"""
ADD = f"""
    mutation ($login: String!, $role: Role!, $customer: String, $warehouses: [String!], $withPassword: Boolean! = true)
    {{ addPerson(login: $login, name: "Lou", role: $role, customer: $customer, warehouses: $warehouses,
                 withPassword: $withPassword) {PAYLOAD} }}"""
CHANGE = f"""
    mutation ($id: ID!, $name: String!, $role: Role!, $warehouses: [String!]) {{
      changePerson(personId: $id, name: $name, role: $role, warehouses: $warehouses) {PAYLOAD} }}"""
DISABLE = f"mutation ($id: ID!, $to: Boolean!) {{ setPersonDisabled(personId: $id, disabled: $to) {PAYLOAD} }}"
END = f"mutation ($id: ID!) {{ endPersonSessions(personId: $id) {PAYLOAD} }}"
RESET = f"mutation ($id: ID!) {{ resetPassword(personId: $id) {PAYLOAD} }}"
LIST = """
    query ($first: Int!, $after: String, $role: Role) { people(first: $first, after: $after, role: $role) {
      nodes { login role viewerCanRestrict } pageInfo { hasNextPage endCursor } } }"""


@pytest.fixture
def api(shop: ShopUnderTest) -> Api:
    return Api(shop)


async def account(shop: ShopUnderTest, login: str, role: Role = Role.MANAGER) -> Account:
    async with shop.db.transaction() as tx:
        return await accounts.add(tx, OPERATOR, NewAccount(login, login.capitalize(), role))


async def signs_in(shop: ShopUnderTest, login: str, password: str) -> bool:
    return await accounts.sign_in(shop.db, login, password) is not None


async def open_sessions(shop: ShopUnderTest) -> int:
    [(number,)] = await shop.rows("SELECT count(*) FROM sessions WHERE ended_at IS NULL")
    return int(number)


async def test_an_added_person_signs_in_with_the_password_that_is_shown_once(shop: ShopUnderTest, api: Api) -> None:
    key = IdempotencyKey.of("add", b"body")
    first = await api.ask(ADD, MANAGER, key, login="Lou@Example.com", role="SUPPORT")
    assert first["person"] | {"id": ""} == {
        "id": "", "login": "lou@example.com", "name": "Lou", "role": "SUPPORT", "customerReference": None,
        "warehouses": None, "disabledAt": None,
    }  # fmt: skip
    assert await signs_in(shop, "lou@example.com", first["password"])
    again = await api.ask(ADD, MANAGER, key, login="Lou@Example.com", role="SUPPORT")
    assert again == first | {"password": None}
    assert len(await shop.rows("SELECT login FROM accounts")) == 1
    [(kept,)] = await shop.rows("SELECT string_agg(t::text, '') FROM idempotency_keys t")
    assert first["password"] not in kept


async def test_a_person_may_be_added_for_the_provider_only(shop: ShopUnderTest, api: Api) -> None:
    added = await api.ask(ADD, MANAGER, login="lou", role="SUPPORT", withPassword=False)
    assert added["password"] is None
    assert await shop.rows("SELECT password_hash FROM accounts") == [(None,)]


@pytest.mark.parametrize(
    ("wrong", "reason", "path"),
    [
        ({"login": "two words"}, "BAD_LOGIN", "login"),
        ({"role": "SERVICE"}, "ROLE_FOR_MACHINES", "role"),
        ({"role": "CUSTOMER"}, "ROLE_NEEDS_CUSTOMER", "customer"),
        ({"warehouses": ["north"]}, "ROLE_HAS_NO_WAREHOUSES", "warehouses"),
    ],
)
async def test_what_no_account_may_have_is_refused(
    shop: ShopUnderTest, api: Api, wrong: dict[str, Any], reason: str, path: str
) -> None:
    refused = await api.ask(ADD, MANAGER, **{"login": "lou", "role": "SUPPORT"} | wrong)
    assert refused == {
        "person": None, "password": None, "userErrors": [{"code": "INVALID", "reason": reason, "path": [path]}],
    }  # fmt: skip
    assert await shop.rows("SELECT login FROM accounts") == []


async def test_people_are_listed_by_login_and_by_role(shop: ShopUnderTest, api: Api) -> None:
    ana = await account(shop, "ana")
    for login, role in (("cem", Role.COURIER), ("bo", Role.SUPPORT), ("dan", Role.COURIER)):
        await account(shop, login, role)
    first = await api.ask(LIST, ana.viewer, first=2)
    assert [(each["login"], each["viewerCanRestrict"]) for each in first["nodes"]] == [("ana", False), ("bo", True)]
    rest = await api.ask(LIST, ana.viewer, first=2, after=first["pageInfo"]["endCursor"])
    assert [each["login"] for each in rest["nodes"]] == ["cem", "dan"]
    assert not rest["pageInfo"]["hasNextPage"]
    couriers = await api.ask(LIST, ana.viewer, first=1, role="COURIER")
    assert [each["login"] for each in couriers["nodes"]] == ["cem"]
    more = await api.ask(LIST, ana.viewer, first=1, role="COURIER", after=couriers["pageInfo"]["endCursor"])
    assert [each["login"] for each in more["nodes"]] == ["dan"]


async def test_a_change_of_the_role_ends_sessions_and_one_of_the_name_does_not(shop: ShopUnderTest, api: Api) -> None:
    lou = await account(shop, "lou", Role.SUPPORT)
    async with shop.db.transaction() as tx:
        await sessions.start(tx, lou, SESSION_RULES, by="password")
    key = account_id(lou.id)
    renamed = await api.ask(CHANGE, MANAGER, id=key, name="Louise", role="SUPPORT")
    assert (renamed["person"]["name"], await open_sessions(shop)) == ("Louise", 1)
    moved = await api.ask(CHANGE, MANAGER, id=key, name="Louise", role="COURIER", warehouses=["north"])
    assert (moved["person"]["role"], moved["person"]["warehouses"]) == ("COURIER", ["north"])
    assert await open_sessions(shop) == 0
    actions = await shop.rows("SELECT action, actor FROM audit_events ORDER BY id DESC LIMIT 2")
    assert actions == [("RoleChanged", "manager"), ("AccountChanged", "manager")]


async def test_whoever_is_disabled_cannot_sign_in_until_enabled(shop: ShopUnderTest, api: Api) -> None:
    added = await api.ask(ADD, MANAGER, login="lou", role="SUPPORT")
    key, password = added["person"]["id"], added["password"]
    assert (await api.ask(DISABLE, MANAGER, id=key, to=True))["person"]["disabledAt"]
    assert not await signs_in(shop, "lou", password)
    assert (await api.ask(DISABLE, MANAGER, id=key, to=False))["person"]["disabledAt"] is None
    assert await signs_in(shop, "lou", password)


async def test_a_reset_replaces_the_password_and_ends_all_sessions(shop: ShopUnderTest, api: Api) -> None:
    added = await api.ask(ADD, MANAGER, login="lou", role="SUPPORT")
    lou = await accounts.of_login(shop.db, "lou")
    async with shop.db.transaction() as tx:
        await sessions.start(tx, lou, SESSION_RULES, by="password")
    reset = await api.ask(RESET, MANAGER, id=added["person"]["id"])
    assert await open_sessions(shop) == 0
    assert not await signs_in(shop, "lou", added["password"])
    assert await signs_in(shop, "lou", reset["password"])


async def test_sessions_of_another_person_are_ended(shop: ShopUnderTest, api: Api) -> None:
    lou, bo = await account(shop, "lou", Role.SUPPORT), await account(shop, "bo", Role.SUPPORT)
    async with shop.db.transaction() as tx:
        for each in (lou, lou, bo):
            await sessions.start(tx, each, SESSION_RULES, by="password")
    assert codes(await api.ask(END, MANAGER, id=account_id(lou.id))) == []
    assert await open_sessions(shop) == 1


async def test_managers_do_not_restrict_themselves(shop: ShopUnderTest, api: Api) -> None:
    ana, _ = await account(shop, "ana"), await account(shop, "bo")
    key = account_id(ana.id)
    for document, more in ((DISABLE, {"to": True}), (CHANGE, {"name": "Ana", "role": "SUPPORT"}), (RESET, {})):
        refused = await api.ask(document, ana.viewer, id=key, **more)
        assert refused["userErrors"] == [{"code": "FORBIDDEN", "reason": "OWN_ACCOUNT", "path": ["personId"]}]
    renamed = await api.ask(CHANGE, ana.viewer, id=key, name="Anna", role="MANAGER")
    assert renamed["person"]["name"] == "Anna"


async def test_the_last_enabled_manager_stays(shop: ShopUnderTest, api: Api) -> None:
    """Nobody left could undo it on the pages. A token has no account that would count."""
    ana, bo = await account(shop, "ana"), await account(shop, "bo")
    assert codes(await api.ask(DISABLE, MANAGER, id=account_id(bo.id), to=True)) == []
    for document, more in ((DISABLE, {"to": True}), (CHANGE, {"name": "Ana", "role": "SUPPORT"})):
        refused = await api.ask(document, MANAGER, id=account_id(ana.id), **more)
        assert refused["userErrors"] == [{"code": "CONFLICT", "reason": "LAST_MANAGER", "path": ["personId"]}]
    assert await shop.rows("SELECT login FROM accounts WHERE role = 'MANAGER' AND disabled_at IS NULL") == [("ana",)]


async def test_two_managers_who_disable_each_other_at_once_leave_one(shop: ShopUnderTest) -> None:
    ana, bo = await account(shop, "ana"), await account(shop, "bo")

    async def disable(viewer: Viewer, other: Account) -> None:
        async with shop.db.transaction() as tx:
            await people.set_disabled(tx, viewer, other.id, disabled=True)

    done = await asyncio.gather(disable(ana.viewer, bo), disable(bo.viewer, ana), return_exceptions=True)
    assert sorted(isinstance(each, Refused) for each in done) == [False, True]
    assert len(await shop.rows("SELECT login FROM accounts WHERE disabled_at IS NULL")) == 1


@pytest.mark.parametrize("key", ["acc_" + "0" * 32, "none", "ord_" + "0" * 32])
async def test_an_unknown_person_is_not_found(api: Api, key: str) -> None:
    assert codes(await api.ask(DISABLE, MANAGER, id=key, to=True)) == ["NOT_FOUND"]
    assert await api.ask("query ($id: ID!) { person(id: $id) { login } }", MANAGER, id=key) is None
