"""The audit log's page: for managers and support, paged and narrowed without scripts."""

import re
from html import unescape

import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.audit.model import OPERATOR, Entry
from oms.domain.audit.record import record
from oms.domain.concepts import REGISTRY
from oms.domain.fraud import commands as fraud
from oms.domain.identity import account_commands as accounts
from oms.domain.identity.accounts import NewAccount
from oms.domain.identity.policy import IdentityAction
from oms.domain.inventory.policy import InventoryAction
from oms.domain.notes import commands as notes
from oms.domain.tokens.policy import TokenAction
from oms.domain.vocabulary.actor import Role
from oms.web.pages.manager.audit import PAGE
from tests.shop import ShopUnderTest
from tests.web.conftest import Server, until
from tests.web.pages.conftest import persona

MARA = Viewer("Mara", Role.MANAGER)


async def recorded(shop: ShopUnderTest, *entries: Entry) -> None:
    async with shop.db.transaction() as tx:
        await record(tx, OPERATOR, *entries)


@pytest.mark.parametrize("name", ["manager", "support"])
async def test_it_tells_who_did_what_before_after_and_why(pages: Server, shop: ShopUnderTest, name: str) -> None:
    told = Entry(IdentityAction.RoleChanged, "account:<2>", {"role": "SUPPORT"}, {"role": "MANAGER"}, "<b>Promoted</b>")
    await recorded(shop, told)
    async with persona(pages, name) as browser:
        html = (await browser.get("/manager/audit")).text
    assert "Role changed" in html
    assert "<b>Promoted" not in html
    text = unescape(html)
    sentence = "operator changed the role of account:<2> from SUPPORT to MANAGER"
    for part in (sentence, "<s>SUPPORT</s> → MANAGER", "Why: <b>Promoted</b>"):
        assert part in text


@pytest.mark.parametrize("name", ["customer", "courier"])
async def test_it_is_for_managers_and_support(pages: Server, shop: ShopUnderTest, name: str) -> None:
    async with persona(pages, name) as browser:
        assert (await browser.get("/manager/audit")).status_code == 403


async def test_a_page_refused_is_in_the_trail_within_seconds(pages: Server, shop: ShopUnderTest) -> None:
    async with persona(pages, "courier") as courier, persona(pages, "support") as support:
        assert (await courier.get("/manager/spending-limit")).status_code == 403

        async def is_told() -> bool:
            return "see the fraud settings" in (await support.get("/manager/audit?action=OPERATION_REFUSED")).text

        await until(is_told)


async def test_what_the_api_refuses_is_in_the_trail_once(pages: Server, shop: ShopUnderTest) -> None:
    async with persona(pages, "courier") as courier:
        document = b'{"query": "mutation { setSpendingLimit(limit: 1) { userErrors { code } } }"}'
        answer = await courier.post("/graphql", content=document, headers={"Content-Type": "application/json"})
        assert "FORBIDDEN" in answer.text, answer.text

    async def is_told() -> bool:
        query = "SELECT actor_role, after FROM audit_events WHERE action = 'OperationRefused'"
        return await shop.rows(query) == [("COURIER", {"times": 1})]

    await until(is_told)


async def test_the_log_is_filtered_and_says_if_nothing_matches(pages: Server, shop: ShopUnderTest) -> None:
    await recorded(shop, Entry(TokenAction.TokenIssued, "token:1"), Entry(TokenAction.TokenRevoked, "token:2"))
    async with persona(pages, "manager") as browser:
        for query in ("action=TOKEN_REVOKED", "subject=token%3A2"):
            rows = re.findall(
                r'<ol class="trail"(.*)</ol>', (await browser.get(f"/manager/audit?{query}")).text, re.DOTALL
            )
            assert "token:2" in rows[0]
            assert "token:1" not in rows[0]
        assert "No matching entries" in (await browser.get("/manager/audit?subject=token%3A3")).text
        for wrong in ("action=Nonsense", "after=%21", "from=yesterday", "to=2026-02-30"):
            assert (await browser.get(f"/manager/audit?{wrong}")).status_code == 422


async def test_it_goes_on_page_by_page_to_its_end(pages: Server, shop: ShopUnderTest) -> None:
    await recorded(shop, *(Entry(InventoryAction.StockSet, f"pen in shelf-{number}") for number in range(PAGE + 5)))
    seen: list[str] = []
    async with persona(pages, "manager") as browser:
        places: list[list[str]] = []
        address: str | None = "/manager/audit?action=STOCK_SET"
        while address:
            html = (await browser.get(address)).text
            seen += re.findall(r"counted pen in (shelf-\d+)", html)
            places.append(re.findall(r'class="pager".*?<span>(.*?)</span>', html, re.DOTALL))
            more = re.search(r'href="([^"]*)" rel="next"', html)
            address = unescape(more[1]) if more else None
    assert len(seen) == len(set(seen)) == PAGE + 5
    assert places[0] == [f"1–{PAGE} of more than {PAGE}"]
    assert re.fullmatch(rf"{PAGE + 1}–(\d+) of \1", places[-1][0])


async def test_filters_that_are_on_are_chips_that_lead_to_the_log_without_them(pages: Server) -> None:
    async with persona(pages, "manager") as browser:
        page = (await browser.get("/manager/audit?action=SIGNED_IN&from=2026-01-01&at=7")).text
    found = re.findall(r'class="button chip" href="([^"]+)">.*?</span>([^<]+)<b>([^<]+)</b>', page)
    assert [(unescape(address), name + value) for address, name, value in found] == [
        ("/manager/audit?from=2026-01-01", "Kind: Signed in"),
        ("/manager/audit?action=SIGNED_IN", "From: 2026-01-01"),
    ]


async def test_it_reads_as_sentences_with_the_names_of_people_and_orders(pages: Server, shop: ShopUnderTest) -> None:
    order = await shop.place({"pen": 1}, reference="A-1042")
    async with shop.db.transaction() as tx:
        await fraud.set_spending_limit(tx, MARA, 50_000, "EUR")
        await fraud.set_spending_limit(tx, MARA, 80_000, "EUR")
        await fraud.set_maintenance(tx, MARA, enabled=True)
        await notes.add_note(tx, MARA, order, "Called")
        account = await accounts.add(tx, OPERATOR, NewAccount("lee", "Lee Lindt", Role.SUPPORT), "nobody's")
        await accounts.set_role(tx, OPERATOR, account.id, Role.MANAGER, None)
    async with persona(pages, "manager") as browser:
        text = unescape((await browser.get("/manager/audit")).text)
    for sentence in (
        "Mara set the spending limit from €500.00 to €800.00",
        "Mara switched maintenance mode on",
        "Mara wrote a note on order A-1042",
        "operator created the account of Lee Lindt",
        "operator changed the role of Lee Lindt from SUPPORT to MANAGER",
    ):
        assert sentence in text, sentence


async def test_it_is_grouped_by_day_and_filtered_by_dates(pages: Server, shop: ShopUnderTest) -> None:
    await shop.execute(
        """INSERT INTO audit_events (id, at, actor, principal, action, subject)
           SELECT CAST(lpad(to_hex(CAST(extract(epoch FROM day) * 1000 AS bigint)), 12, '0')
                       || '70008000000000000000' AS uuid),
                  day, 'operator', 'operator', 'TokenRevoked', 'token:' || extract(day FROM day)
           FROM generate_series(CAST('2026-01-01T12:00Z' AS timestamptz), '2026-01-05T12:00Z', '1 day') AS day"""
    )
    async with persona(pages, "manager") as browser:
        page = (await browser.get("/manager/audit?from=2026-01-02&to=2026-01-04&action=TOKEN_REVOKED")).text
    assert re.findall(r"revoked the token token:(\d)", page) == ["4", "3", "2"]
    assert len(re.findall("data-day", page)) == 3


def test_every_action_has_a_sentence() -> None:
    assert [str(action) for action in REGISTRY.audit_actions.values() if not action.sentence] == []
