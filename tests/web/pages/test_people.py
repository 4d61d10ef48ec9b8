"""The pages on which managers add and change people, without scripts."""

import re
from collections.abc import AsyncIterator
from html import unescape

import httpx
import pytest

from oms.domain.audit.model import OPERATOR
from oms.domain.identity import account_commands as accounts
from oms.domain.identity.accounts import NewAccount
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.ids import account_id
from tests.shop import ShopUnderTest
from tests.web.conftest import Server
from tests.web.pages.conftest import hidden, persona

HOME = "/settings/people"


@pytest.fixture
async def browser(pages: Server, shop: ShopUnderTest) -> AsyncIterator[httpx.AsyncClient]:
    async with persona(pages, "manager") as browser:
        yield browser


async def test_a_person_is_added_and_the_password_is_shown_once(
    browser: httpx.AsyncClient, shop: ShopUnderTest
) -> None:
    fields = {"key": hidden((await browser.get(f"{HOME}/new")).text, "key"), "login": "lou", "name": "Lou"}
    fields |= {"role": "COURIER", "customer": "", "warehouses": "east, west", "signs_in": "password"}
    shown = await browser.post(HOME, data=fields)
    assert shown.status_code == 200
    [password] = re.findall(r'Password</dt><dd class="code">([^<]+)<', shown.text)
    assert await accounts.sign_in(shop.db, "lou", unescape(password))
    again = await browser.post(HOME, data=fields)
    assert again.status_code == 303
    page = (await browser.get(again.headers["location"])).text
    assert password not in page
    assert hidden(page, "warehouses") == "east, west"


async def test_a_refusal_stands_at_its_field_and_keeps_what_was_entered(browser: httpx.AsyncClient) -> None:
    refused = await browser.post(HOME, data={"login": "two words", "name": "Lou", "role": "SUPPORT"})
    assert refused.status_code == 422
    assert 'id="login-refusal"' in refused.text
    assert hidden(refused.text, "login") == "two words"


async def test_a_person_is_changed_disabled_and_enabled(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    async with shop.db.transaction() as tx:
        lou = await accounts.add(tx, OPERATOR, NewAccount("lou", "Lou", Role.SUPPORT))
    here = f"{HOME}/{account_id(lou.id)}"
    saved = await browser.post(here, data={"name": "Louise", "role": "COURIER", "warehouses": "east"})
    assert saved.headers["location"] == f"{here}?done=saved"
    for to, shown in (("on", "Disabled"), ("off", "Yes")):
        assert hidden((await browser.get(here)).text, "to") == to
        assert (await browser.post(f"{here}/disabled", data={"to": to})).status_code == 303
        row = (await browser.get(f"{HOME}?role=COURIER")).text.split("Louise</a>")[1].split("</tr>")[0]
        assert shown in row
    assert await shop.rows("SELECT name, role, warehouses FROM accounts WHERE login = 'lou'") == [
        ("Louise", "COURIER", ["east"])
    ]
    assert (await browser.post(f"{here}/sessions/end")).status_code == 303
    assert "New password" in (await browser.post(f"{here}/password")).text


async def test_one_s_own_account_offers_no_restriction(browser: httpx.AsyncClient, shop: ShopUnderTest) -> None:
    [(own,)] = await shop.rows("SELECT id FROM accounts WHERE role = 'MANAGER'")
    here = f"{HOME}/{account_id(own)}"
    page = (await browser.get(here)).text
    assert "This is your own account" in page
    assert f'action="{here}/disabled"' not in page
    refused = await browser.post(f"{here}/disabled", data={"to": "on"})
    assert refused.status_code == 422
    assert "ask another manager" in refused.text


async def test_an_unknown_person_has_no_page(browser: httpx.AsyncClient) -> None:
    assert (await browser.get(f"{HOME}/acc_{'0' * 32}")).status_code == 404
