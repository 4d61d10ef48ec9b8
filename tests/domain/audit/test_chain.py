"""The chain that seals the audit log: in commit order, once, apart from writers, and verifiable after removals."""

import asyncio
import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from oms.domain.audit.chain import sealing
from oms.domain.audit.chain import store as chain_store
from oms.domain.audit.chain.export import lines
from oms.domain.audit.chain.links import BEGINNING, FIRST_PREDECESSOR, Unsealed, sealed
from oms.domain.audit.chain.retention import delete_old_addresses, remove_entries
from oms.domain.audit.chain.sealing import seal
from oms.domain.audit.model import OPERATOR, Entry
from oms.domain.audit.policy import RetentionAction
from oms.domain.audit.record import record
from oms.domain.tokens.policy import TokenAction
from oms.platform.db import Database, Tx
from oms.tools.check.rules.audit import CHECKS
from oms.tools.check.snapshot import examine
from oms.tools.doctor.health import check_health
from tests.domain.audit.test_audit_log import entries
from tests.owner import owner_of
from tests.shop import ShopUnderTest

EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))


async def issue(tx: Tx, *numbers: int) -> None:
    await record(tx, OPERATOR, *(Entry(TokenAction.TokenIssued, f"token:{number}") for number in numbers))


async def issued(db: Database, *numbers: int) -> None:
    async with db.transaction() as tx:
        await issue(tx, *numbers)


async def sealed_subjects(shop: ShopUnderTest) -> list[str]:
    query = "SELECT a.subject FROM audit_chain c JOIN audit_events a ON a.id = c.audit_id ORDER BY c.number"
    return [subject for (subject,) in await shop.rows(query)]


async def broken(shop: ShopUnderTest) -> list[str]:
    """What the checker finds."""
    url = make_url(owner_of(shop.db.engine.url.render_as_string(hide_password=False)))
    connection = await asyncpg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
    try:
        async with connection.transaction():
            results = await examine(connection, CHECKS)
    finally:
        await connection.close()
    return [found.what for result in results for found in result.first]


def test_a_link_holds_the_digest_of_its_predecessor_and_of_its_entry() -> None:
    first, second = sealed(BEGINNING, [Unsealed(BEGINNING.audit_id, 7, "{}"), Unsealed(BEGINNING.audit_id, 8, "{}")])
    assert first.digest == hashlib.sha256(FIRST_PREDECESSOR + b"{}").digest()
    assert second.digest == hashlib.sha256(first.digest + b"{}").digest()
    assert [(link.number, link.transaction) for link in (first, second)] == [(1, 7), (2, 8)]


async def test_entries_are_sealed_once_in_batches(shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 2)
    await issued(shop.db, 1, 2, 3)
    await issued(shop.db, 4, 5)
    await shop.seal()
    await seal(shop.db)
    assert sorted(await sealed_subjects(shop)) == [f"token:{number}" for number in (1, 2, 3, 4, 5)]
    assert await shop.rows("SELECT number FROM audit_chain ORDER BY 1") == [(n,) for n in (1, 2, 3, 4, 5)]
    assert await broken(shop) == []


async def test_an_entry_that_commits_late_is_neither_skipped_nor_inserted(shop: ShopUnderTest) -> None:
    """Entries behind an open transaction wait for it, so that the order of the chain is final."""
    async with shop.db.transaction() as open_tx:
        await issue(open_tx, 1)
        await issued(shop.db, 2)
        await seal(shop.db)
        assert await sealed_subjects(shop) == []
    await shop.seal()
    assert await sealed_subjects(shop) == ["token:1", "token:2"]


async def test_many_processes_seal_one_chain(shop: ShopUnderTest) -> None:
    writes = [issued(shop.db, number) for number in range(30)]
    await asyncio.gather(*writes, *(seal(shop.db) for _ in range(20)))
    await shop.seal()
    assert sorted(await sealed_subjects(shop)) == sorted(f"token:{number}" for number in range(30))
    assert await broken(shop) == []


async def test_writers_do_not_wait_for_the_sealer(shop: ShopUnderTest) -> None:
    async with shop.db.transaction() as tx:
        await chain_store.lock(tx)
        await issued(shop.db, 1)
        await seal(shop.db)
    assert await sealed_subjects(shop) == []


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ("UPDATE audit_events SET reason = 'x' WHERE subject = 'token:2'", "its entry or its digest was changed"),
        ("DELETE FROM audit_events WHERE subject = 'token:2'", "its entry is gone"),
        ("DELETE FROM audit_chain WHERE number = 2", "follows link 1"),
        ("DELETE FROM audit_chain WHERE number = 1", "earlier entries are gone, and no removal of them was recorded"),
        ("UPDATE audit_addresses SET address = '192.0.2.9'", "its address was changed"),
    ],
)
async def test_the_checker_finds_tampering(shop: ShopUnderTest, tampering: str, found: str) -> None:
    await issued(shop.db, 1, 2, 3)
    async with shop.db.transaction() as tx:
        await record(tx, OPERATOR, Entry(TokenAction.TokenRevoked, "token:1"), address="192.0.2.7")
    await shop.seal()
    assert await broken(shop) == []
    await shop.execute(tampering)
    assert found in await broken(shop)


async def test_old_entries_are_removed_by_the_owner_and_the_rest_stays_verifiable(shop: ShopUnderTest) -> None:
    await issued(shop.db, 1, 2)
    await shop.execute("UPDATE audit_events SET at = at - interval '400 days'")
    await issued(shop.db, 3)
    await shop.seal()
    for removed in (2, 0):
        async with shop.owner.transaction() as tx:
            assert await remove_entries(tx, timedelta(days=365)) == removed
    await shop.seal()
    assert await broken(shop) == []
    assert await sealed_subjects(shop) == ["token:3", ""]
    (kept,) = await entries(shop, action=RetentionAction.AuditEntriesRemoved)
    assert kept.after is not None
    assert (kept.after["removed"], kept.after["anchor"]) == (2, 2)
    await shop.execute("DELETE FROM audit_events WHERE subject = 'token:3'")
    await shop.execute("DELETE FROM audit_chain WHERE number < 3")
    assert "earlier entries are gone, and no removal of them was recorded" in await broken(shop)


async def test_what_is_not_sealed_yet_is_not_removed(shop: ShopUnderTest) -> None:
    await issued(shop.db, 1)
    await shop.execute("UPDATE audit_events SET at = at - interval '400 days'")
    async with shop.owner.transaction() as tx:
        assert await remove_entries(tx, timedelta(days=365)) == 0


async def test_the_application_s_role_cannot_remove_or_rewrite(shop: ShopUnderTest) -> None:
    granted = (
        "SELECT has_table_privilege(current_user, :t, 'UPDATE') OR has_table_privilege(current_user, :t, 'DELETE')"
    )
    for table in ("audit_events", "audit_chain"):
        assert await shop.rows(granted, t=table) == [(False,)], table


async def test_addresses_are_deleted_after_some_days_and_their_entries_stay_sealed(shop: ShopUnderTest) -> None:
    async with shop.db.transaction() as tx:
        await record(tx, OPERATOR, Entry(TokenAction.TokenIssued, "token:1"), address="192.0.2.7")
    await shop.seal()
    assert (await entries(shop))[0].address == "192.0.2.7"
    await shop.execute("UPDATE audit_addresses SET at = at - interval '91 days'")
    async with shop.db.transaction() as tx:
        assert await delete_old_addresses(tx, timedelta(days=90), limit=10) == 1
    assert (await entries(shop))[0].address is None
    assert await broken(shop) == []


async def test_the_export_can_be_verified_by_its_reader(shop: ShopUnderTest) -> None:
    """Each line has its entry exactly as it was sealed, so SHA-256 suffices."""
    await issued(shop.db, 1, 2, 3)
    async with shop.db.transaction() as tx:
        quoted = Entry(TokenAction.TokenRevoked, "token:1", {"a": 'x", "y'}, {"ü": [1, None]}, 'said "no"\n')
        await record(tx, OPERATOR, quoted, address="192.0.2.7")
    await shop.seal()
    exported = [line async for line in lines(shop.db, *EVER)]
    digest = FIRST_PREDECESSOR
    for number, line in enumerate(exported, 1):
        head, _, entry = line.partition(', "entry": ')
        digest = hashlib.sha256(digest + entry[:-1].encode()).digest()
        assert (json.loads(head + "}")["number"], json.loads(line)["digest"]) == (number, digest.hex())
    last = json.loads(exported[-1])
    assert (last["address"], last["entry"]["reason"], last["entry"]["after"]) == (
        "192.0.2.7", 'said "no"\n', {"ü": [1, None]},
    )  # fmt: skip
    (own,) = await entries(shop, action=RetentionAction.AuditLogExported)
    assert own.after is not None
    assert own.after["entries"] == 4


async def test_the_export_is_limited_by_time(shop: ShopUnderTest) -> None:
    await issued(shop.db, 1, 2)
    (when,) = {event.at for event in await entries(shop)}
    assert [line async for line in lines(shop.db, EVER[0], when)] == []
    assert len([line async for line in lines(shop.db, when, when + timedelta(microseconds=1))]) == 2


async def test_the_doctor_says_how_far_it_is(shop: ShopUnderTest, redis_url: str) -> None:
    await issued(shop.db, 1, 2)
    await shop.seal()
    await issued(shop.db, 3)
    [finding] = [each for each in await check_health(shop.db, redis_url, Path("/")) if each.name == "Audit log"]
    assert finding.state.startswith("sealed to no. 2, digest ")
    assert "1 wait" in finding.state
    assert finding.is_healthy
    await shop.execute("UPDATE audit_events SET at = at - interval '1 hour' WHERE subject = 'token:3'")
    [finding] = [each for each in await check_health(shop.db, redis_url, Path("/")) if each.name == "Audit log"]
    assert not finding.is_healthy
