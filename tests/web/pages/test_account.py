"""One's own account as a page: everything works without scripts, and nothing typed as a password comes back."""

import re

import httpx

from oms.domain.access.permissions import Viewer
from oms.domain.audit.model import OPERATOR
from oms.domain.identity import account_commands as accounts
from oms.domain.identity import session_commands as sessions
from oms.domain.identity.accounts import NewAccount
from oms.domain.vocabulary.actor import Role
from tests.shop import SESSION_RULES, ShopUnderTest
from tests.web.conftest import DEMO_COOKIE, Server, account_of
from tests.web.pages.conftest import visiting

PRESENT, NEW = "four wet penguins juggle", "nine dry walruses hum"


async def change(browser: httpx.AsyncClient, present: str, new: str, again: str) -> httpx.Response:
    fields = {"presentPassword": present, "newPassword": new, "again": again}
    return await browser.post("/account/password", data=fields)


async def begun(shop: ShopUnderTest, *, times: int) -> tuple[str, list[str]]:
    """The login of somebody new, and secrets of their sessions."""
    account = await account_of(shop.db, Viewer("ana", Role.COURIER), password=PRESENT)
    async with shop.db.transaction() as tx:
        secrets = [await sessions.start(tx, account, SESSION_RULES, by="password") for _ in range(times)]
    return account.login, [secret for secret in secrets if secret]


async def test_the_password_is_changed_and_other_sessions_end(pages: Server, shop: ShopUnderTest) -> None:
    login, [here, there] = await begun(shop, times=2)
    async with visiting(pages) as browser, visiting(pages) as other:
        browser.cookies.set(DEMO_COOKIE.name, here)
        other.cookies.set(DEMO_COOKIE.name, there)
        assert (await other.get("/account")).status_code == 200
        answer = await change(browser, PRESENT, NEW, NEW)
        assert answer.headers["location"] == "/account?done=password"
        assert "Your password was changed" in (await browser.get("/account?done=password")).text
    assert await accounts.sign_in(shop.db, login, NEW)
    assert len(await shop.rows("SELECT id FROM sessions WHERE ended_at IS NULL")) == 1


async def test_what_is_wrong_stands_beside_its_field_and_no_password_comes_back(
    pages: Server, shop: ShopUnderTest
) -> None:
    _, [here] = await begun(shop, times=1)
    for present, new, again, field in (
        ("not my password", NEW, NEW, "presentPassword"),
        (PRESENT, "short", "short", "newPassword"),
        (PRESENT, NEW, NEW + "!", "again"),
    ):
        async with visiting(pages) as browser:
            browser.cookies.set(DEMO_COOKIE.name, here)
            answer = await change(browser, present, new, again)
        assert answer.status_code == 422
        assert re.findall(r'id="(\w+)-refusal"', answer.text) == [field]
        for typed in ("not my password", PRESENT, NEW, "short"):
            assert f'"{typed}' not in answer.text


async def test_who_has_no_password_is_offered_none_to_change(pages: Server, shop: ShopUnderTest) -> None:
    async with shop.db.transaction() as tx:
        account = await accounts.add(tx, OPERATOR, NewAccount("bo", "Bo", Role.COURIER, None))
        secret = await sessions.start(tx, account, SESSION_RULES, by="openid")
    async with visiting(pages) as browser:
        browser.cookies.set(DEMO_COOKIE.name, str(secret))
        page = (await browser.get("/account")).text
    assert "without a password" in page
    assert 'type="password"' not in page


async def test_one_session_is_ended_then_all_others(pages: Server, shop: ShopUnderTest) -> None:
    _, [here, *_] = await begun(shop, times=4)
    async with visiting(pages) as browser:
        browser.cookies.set(DEMO_COOKIE.name, here)
        page = (await browser.get("/account")).text
        ends = re.findall(r'action="(/account/sessions/ses_\w+/end)"', page)
        assert len(ends) == 3
        answer = await browser.post(ends[0], data={"key": "one"})
        assert answer.headers["location"] == "/account?done=session"
        assert (await browser.post(ends[0], data={"key": "another"})).status_code == 422
        assert len(re.findall(r"Another session", (await browser.get("/account")).text)) == 2
        await browser.post("/account/sessions/others/end", data={"key": "two"})
        page = (await browser.get("/account")).text
        assert "Another session" not in page
        assert "Sign out everywhere else" not in page
