"""People's own accounts by API: their sessions, signing out elsewhere, a new password."""

from typing import Any

import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.access.secret import digest_of
from oms.domain.audit.model import OPERATOR
from oms.domain.idempotency.keys import IdempotencyKey
from oms.domain.identity import account_commands as accounts
from oms.domain.identity import passwords
from oms.domain.identity import session_commands as sessions
from oms.domain.identity.accounts import Account, NewAccount
from oms.domain.vocabulary import ids
from oms.domain.vocabulary.actor import Role
from tests.schema.api import Api
from tests.shop import SESSION_RULES, ShopUnderTest

PRESENT, NEW = "four wet penguins juggle", "nine dry walruses hum"
SESSIONS = "{ viewer { sessions { id isThisOne begunAt lastSeenAt expiresAt } } }"
CHANGE = """
    mutation ($present: String!, $new: String!) {
      changePassword(presentPassword: $present, newPassword: $new) {
        sessions { isThisOne } userErrors { code message path }
      }
    }"""
END = "mutation ($id: ID!) { endSession(sessionId: $id) { sessions { id } userErrors { code path } } }"
END_OTHERS = "mutation { endOtherSessions { sessions { isThisOne } userErrors { code } } }"


@pytest.fixture
def api(shop: ShopUnderTest) -> Api:
    return Api(shop)


async def add_account(shop: ShopUnderTest, login: str, role: Role = Role.COURIER) -> Account:
    async with shop.db.transaction() as tx:
        return await accounts.add(tx, OPERATOR, NewAccount(login, login, role), await passwords.hashed(PRESENT))


async def signed_in(shop: ShopUnderTest, account: Account) -> Viewer:
    async with shop.db.transaction() as tx:
        secret = await sessions.start(tx, account, SESSION_RULES, by="password")
    assert secret
    held = await sessions.find(shop.db, digest_of(secret), SESSION_RULES)
    assert held
    return held.viewer


async def own_sessions(api: Api, viewer: Viewer) -> list[Any]:
    found: list[Any] = (await api.ask(SESSIONS, viewer))["sessions"]
    return found


async def test_people_see_their_own_sessions_and_which_is_this_one(shop: ShopUnderTest, api: Api) -> None:
    ana, bo = await add_account(shop, "ana"), await add_account(shop, "bo")
    here, _, _ = await signed_in(shop, ana), await signed_in(shop, ana), await signed_in(shop, bo)
    assert [each["isThisOne"] for each in await own_sessions(api, here)] == [False, True]
    assert await own_sessions(api, Viewer("cart", Role.SERVICE, principal="token:x")) == []


async def test_a_session_can_be_ended_from_another_one(shop: ShopUnderTest, api: Api) -> None:
    ana = await add_account(shop, "ana")
    here, there = await signed_in(shop, ana), await signed_in(shop, ana)
    session_id = next(each["id"] for each in await own_sessions(api, here) if not each["isThisOne"])
    answer = await api.ask(END, here, id=session_id)
    assert answer["userErrors"] == []
    assert [each["id"] for each in answer["sessions"]] == [ids.session_id(here.session_id or ids.NO_ID)]
    assert not [each for each in await own_sessions(api, there) if each["isThisOne"]]
    again = await api.ask(END, here, id=session_id)
    assert again["userErrors"] == [{"code": "NOT_FOUND", "path": ["sessionId"]}]


async def test_a_session_of_another_account_is_not_found(shop: ShopUnderTest, api: Api) -> None:
    here, bos = (
        await signed_in(shop, await add_account(shop, "ana")),
        await signed_in(shop, await add_account(shop, "bo")),
    )
    errors = [
        (await api.ask(END, here, id=session_id))["userErrors"]
        for session_id in (ids.session_id(bos.session_id or ids.NO_ID), ids.session_id(ids.NO_ID), "nonsense")
    ]
    assert errors == [[{"code": "NOT_FOUND", "path": ["sessionId"]}]] * 3
    assert len(await own_sessions(api, bos)) == 1


async def test_all_other_sessions_are_ended_at_once(shop: ShopUnderTest, api: Api) -> None:
    ana = await add_account(shop, "ana")
    here = [await signed_in(shop, ana) for _ in range(4)][2]
    assert await api.ask(END_OTHERS, here) == {"sessions": [{"isThisOne": True}], "userErrors": []}


async def test_a_new_password_ends_all_sessions_but_this(shop: ShopUnderTest, api: Api) -> None:
    ana = await add_account(shop, "ana")
    here, _ = await signed_in(shop, ana), await signed_in(shop, ana)
    answer = await api.ask(CHANGE, here, present=PRESENT, new=NEW)
    assert answer == {"sessions": [{"isThisOne": True}], "userErrors": []}
    assert await accounts.sign_in(shop.db, "ana", PRESENT) is None
    assert await accounts.sign_in(shop.db, "ana", NEW)
    assert ("PasswordChanged",) in await shop.rows("SELECT action FROM audit_events")


@pytest.mark.parametrize(
    ("present", "new", "path"),
    [
        ("wrong", NEW, "presentPassword"),
        (PRESENT, "short", "newPassword"),
        (PRESENT, "password12345", "newPassword"),
        ("wrong", "short", "presentPassword"),
    ],
)
async def test_a_change_needs_the_present_password_and_a_strong_new_one(
    shop: ShopUnderTest, api: Api, present: str, new: str, path: str
) -> None:
    ana = await add_account(shop, "ana")
    here, _ = await signed_in(shop, ana), await signed_in(shop, ana)
    answer = await api.ask(CHANGE, here, present=present, new=new)
    assert [(each["code"], each["path"]) for each in answer["userErrors"]] == [("INVALID", [path])]
    assert len(await own_sessions(api, here)) == 2
    failed = await shop.rows("SELECT principal FROM audit_events WHERE action = 'SignInFailed'")
    assert failed == ([(here.principal,)] if path == "presentPassword" else [])
    assert await accounts.sign_in(shop.db, "ana", PRESENT)


async def test_no_password_is_stored_under_an_idempotency_key(shop: ShopUnderTest, api: Api) -> None:
    here = await signed_in(shop, await add_account(shop, "ana"))
    key = IdempotencyKey.of("k", f"{PRESENT} {NEW}".encode())
    answer = await api.ask(CHANGE, here, key, present=PRESENT, new=NEW)
    assert answer["userErrors"] == []
    assert await shop.rows("SELECT key FROM idempotency_keys") == []


@pytest.mark.parametrize("document", [END_OTHERS, CHANGE, END])
async def test_a_machine_has_no_account(shop: ShopUnderTest, api: Api, document: str) -> None:
    machine = Viewer("cart", Role.SERVICE, principal="token:x")
    variables: dict[str, dict[str, Any]] = {
        CHANGE: {"present": PRESENT, "new": NEW},
        END: {"id": ids.session_id(ids.NO_ID)},
        END_OTHERS: {},
    }
    answer = await api.ask(document, machine, **variables[document])
    assert [each["code"] for each in answer["userErrors"]] == ["FORBIDDEN"]


async def test_an_account_without_a_password_has_none_to_change(shop: ShopUnderTest, api: Api) -> None:
    async with shop.db.transaction() as tx:
        ana = await accounts.add(tx, OPERATOR, NewAccount("ana", "ana", Role.COURIER))
    await shop.execute("UPDATE accounts SET openid_issuer = 'https://id.example', openid_subject = 'x'")
    here = await signed_in(shop, ana)
    answer = await api.ask(CHANGE, here, present="", new=NEW)
    assert [each["path"] for each in answer["userErrors"]] == [["presentPassword"]]
