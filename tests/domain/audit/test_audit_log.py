"""The audit log: written in the transaction of what it records, read by managers and support, newest first."""

import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.audit.model import OPERATOR, Entry
from oms.domain.audit.queries import AuditEvent, AuditFilter, audit_log
from oms.domain.audit.record import record
from oms.domain.identity.policy import IdentityAction
from oms.domain.tokens.policy import TokenAction
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.errors import Refused
from tests.shop import CART, COURIER, MANAGER, SUPPORT, ShopUnderTest, customer


async def entries(shop: ShopUnderTest, viewer: Viewer = MANAGER, **conditions: object) -> list[AuditEvent]:
    page = await audit_log(shop.db, viewer, AuditFilter(**conditions), first=100, after=None)  # type: ignore[arg-type]
    return list(page.entries)


async def test_an_entry_says_who_did_what_with_before_after_and_reason(shop: ShopUnderTest) -> None:
    person = Viewer("Maya", Role.MANAGER, principal="account:1")
    entry = Entry(IdentityAction.RoleChanged, "account:2", {"role": "SUPPORT"}, {"role": "MANAGER"}, "Promoted")
    async with shop.db.transaction() as tx:
        await record(tx, person, entry)
    (found,) = await entries(shop)
    assert (found.by, found.principal) == (person.actor, "account:1")
    assert (found.action, found.subject, found.reason) == (entry.action, "account:2", "Promoted")
    assert (found.before, found.after) == (entry.before, entry.after)


async def test_what_is_rolled_back_leaves_no_entry(shop: ShopUnderTest) -> None:
    async def fail_after_recording() -> None:
        async with shop.db.transaction() as tx:
            await record(tx, OPERATOR, Entry(TokenAction.TokenIssued, "token:1"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_after_recording()
    assert await entries(shop) == []


async def test_the_audit_log_is_paged_newest_first_without_gap_or_repeat(shop: ShopUnderTest) -> None:
    for number in range(5):
        async with shop.db.transaction() as tx:
            await record(tx, OPERATOR, Entry(TokenAction.TokenIssued, f"token:{number}"))
    seen, after = [], None
    while True:
        page = await audit_log(shop.db, SUPPORT, AuditFilter(), first=2, after=after)
        seen += [event.subject for event in page.entries]
        if not page.more:
            break
        after = page.entries[-1].cursor
    assert seen == [f"token:{number}" for number in (4, 3, 2, 1, 0)]


async def test_it_is_found_by_actor_principal_action_and_subject(shop: ShopUnderTest) -> None:
    maya = Viewer("Maya", Role.MANAGER, principal="account:1")
    async with shop.db.transaction() as tx:
        await record(tx, maya, Entry(IdentityAction.SignedIn, "account:1"))
        await record(tx, OPERATOR, Entry(TokenAction.TokenIssued, "token:7"))
    for conditions in (
        {"actor": "Maya"},
        {"actor": "account:1"},
        {"action": IdentityAction.SignedIn},
        {"subject": "account:1"},
    ):
        (found,) = await entries(shop, **conditions)
        assert found.action == IdentityAction.SignedIn
    (signed_in,) = await entries(shop, actor="Maya")
    assert [e.subject for e in await entries(shop, since=signed_in.at)] == ["token:7", "account:1"]
    assert await entries(shop, before=signed_in.at) == []


@pytest.mark.parametrize("viewer", [CART, COURIER, customer("ana")], ids=lambda viewer: str(viewer.role))
async def test_only_managers_and_support_read_it(shop: ShopUnderTest, viewer: Viewer) -> None:
    with pytest.raises(Refused, match="read the audit log"):
        await entries(shop, viewer)


@pytest.mark.parametrize("cursor", ["!", "bm90IGFuIGlk", "AA"])
async def test_a_cursor_of_another_list_is_refused(shop: ShopUnderTest, cursor: str) -> None:
    with pytest.raises(Refused, match="cursor"):
        await audit_log(shop.db, MANAGER, AuditFilter(), first=2, after=cursor)
