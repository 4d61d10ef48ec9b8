"""Export and erasure: after an erasure nothing identifies the customer, and the books are unchanged."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.access.secret import digest_of
from oms.domain.audit.model import OPERATOR
from oms.domain.audit.queries import AuditFilter, audit_log
from oms.domain.concepts import metadata
from oms.domain.idempotency.keys import IdempotencyKey, once
from oms.domain.identity import account_commands as accounts
from oms.domain.identity.accounts import NewAccount
from oms.domain.notes import commands as notes
from oms.domain.order_queries import timeline
from oms.domain.order_queries.timeline import Section
from oms.domain.personal_data import commands
from oms.domain.personal_data.policy import PersonalDataAction
from oms.domain.personal_data.store import Erased
from oms.domain.placing import commands as orders
from oms.domain.placing.request import LineRequest, OrderRequest
from oms.domain.tokens.commands import issue_token, viewer_of
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.errors import Code, Refused
from oms.domain.vocabulary.ids import customer_id
from oms.platform.settings import PROJECT_DIR
from tests import oms_process
from tests.shop import CART, MANAGER, SUPPORT, ShopUnderTest, customer, open_shop

ADDRESS = {"name": "Ana Canary", "line1": "1 Canary Street", "city": "Canaryville", "country": "US"}
PERSONAL = {"customer": "ana-canary", "email": "ana@canary.example", "shipping_address": ADDRESS}
ANA = customer("ana-canary")
CANCELLED = ("OrderCancelled", "ShipmentCancelled")


async def delivered(shop: ShopUnderTest, **fields: Any) -> UUID:
    order = await shop.place({"pen": 1}, **PERSONAL | {"payment_method": "sandbox-ok"} | fields)
    await shop.run()
    await shop.dispatch(order)
    await shop.deliver(order)
    await shop.run()
    return order


async def erased(shop: ShopUnderTest, reference: str = "ana-canary", by: Any = OPERATOR) -> Erased:
    async with shop.db.transaction() as tx:
        return await commands.erase(tx, by, reference, "Asked for it")


async def everything_written(shop: ShopUnderTest) -> str:
    """All rows of all tables, as one text."""
    return "\n".join(
        [str(row) for table in metadata.tables for row in await shop.rows(f"SELECT to_jsonb(t)::text FROM {table} t")]
    )


async def with_an_account_and_a_token(shop: ShopUnderTest) -> str:
    async with shop.db.transaction() as tx:
        await accounts.add(
            tx, OPERATOR, NewAccount("ana@canary.example", "Ana Canary", Role.CUSTOMER, "ana-canary"), "hash"
        )
        return await issue_token(tx, role=Role.CUSTOMER, name="Ana Canary", customer_reference="ana-canary", days=1)


async def test_after_erasing_no_table_holds_anything_of_them(shop: ShopUnderTest) -> None:
    await delivered(shop)
    cancelled = await shop.place({"pen": 1}, **PERSONAL)
    await shop.cancel(cancelled, Viewer("Ana Canary", Role.CUSTOMER, "ana-canary", principal="account:1"))
    token = await with_an_account_and_a_token(shop)
    holder = await viewer_of(shop.db, digest_of(token))
    assert holder

    async def act() -> str:
        return "anything"

    async with shop.db.transaction() as tx:
        await notes.add_note(tx, SUPPORT, cancelled, "Ana Canary called from 1 Canary Street")
        await once(tx, holder, IdempotencyKey.of("key", b"the canary's address"), act)
    assert "canary" in (await everything_written(shop)).lower()
    done = await erased(shop)
    assert (done["orders"], done["accounts"], done["access_tokens"]) == (2, 1, 1)
    written = (await everything_written(shop)).lower()
    assert [line for line in written.splitlines() if "canary" in line or "changed my mind" in line] == []
    assert await shop.rows("SELECT * FROM idempotency_keys") == []


async def test_the_books_stay_as_they_were(shop: ShopUnderTest) -> None:
    await delivered(shop)
    books = {
        "order_lines": "*", "shipments": "*", "order_events": "*", "allocations": "*", "tallies": "*",
        "orders": "id, reference, customer_id, status, currency, placed_at, closed_at, last_seq",
    }  # fmt: skip
    before = {
        table: await shop.rows(f"SELECT {columns} FROM {table} ORDER BY 1, 2") for table, columns in books.items()
    }
    await erased(shop)
    after = {table: await shop.rows(f"SELECT {columns} FROM {table} ORDER BY 1, 2") for table, columns in books.items()}
    assert after == before


def test_check_finds_nothing_wrong_after_an_erasure(database_url: str, tmp_path: Path) -> None:
    asyncio.run(_deliver_and_erase(database_url, tmp_path))
    environment = os.environ | {"OMS_DATABASE_URL": database_url, "OMS_DATA_DIR": str(tmp_path / "none")}
    command = [sys.executable, "-m", "oms", "check"]
    result = subprocess.run(command, cwd=PROJECT_DIR, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


async def test_an_erased_customer_is_signed_out_for_good(shop: ShopUnderTest) -> None:
    await delivered(shop)
    token = await with_an_account_and_a_token(shop)
    await erased(shop)
    assert await viewer_of(shop.db, digest_of(token)) is None
    assert await shop.rows("SELECT name, disabled_at IS NULL FROM accounts") == [("erased", False)]
    assert await shop.rows("SELECT * FROM sessions") == []


@pytest.mark.parametrize("until", ["placed", "booked", "dispatched"])
async def test_nobody_is_erased_while_an_order_is_under_way(shop: ShopUnderTest, until: str) -> None:
    order = await shop.place({"pen": 1}, reference="under-way", **PERSONAL)
    if until != "placed":
        await shop.run()
    if until == "dispatched":
        await shop.dispatch(order)
    with pytest.raises(Refused, match="under-way") as refusal:
        await erased(shop)
    assert refusal.value.problems[0].code == Code.CONFLICT
    assert (await shop.order(order)).details.email == PERSONAL["email"]


async def test_an_erasure_waits_for_an_order_that_is_being_placed(shop: ShopUnderTest) -> None:
    await shop.stock_up({"pen": {"east": 9}})
    await delivered(shop)
    request = OrderRequest("placed-meanwhile", "ana-canary", (LineRequest("pen", 1),), "sandbox-ok")
    async with shop.db.transaction() as tx:
        await orders.place(tx, [(CART, request)])
        erasing = asyncio.create_task(erased(shop))
        done, _ = await asyncio.wait({erasing}, timeout=0.3)
        assert not done
    with pytest.raises(Refused) as refusal:
        await erasing
    assert refusal.value.problems[0].code == Code.CONFLICT


async def test_an_erasure_can_be_repeated_under_the_pseudonym(shop: ShopUnderTest) -> None:
    await delivered(shop)
    first = await erased(shop)
    assert (await erased(shop, first.pseudonym)).pseudonym == first.pseudonym
    with pytest.raises(Refused, match="pseudonym"):
        await erased(shop)


async def test_the_reference_is_free_for_a_new_customer(shop: ShopUnderTest) -> None:
    old = await delivered(shop)
    await erased(shop)
    new = await shop.place({"pen": 1}, **PERSONAL)
    assert (await shop.order(new)).customer_id != (await shop.order(old)).customer_id


async def test_export_and_erasure_are_in_the_audit_log_without_personal_data(shop: ShopUnderTest) -> None:
    order = await delivered(shop)
    known = customer_id((await shop.order(order)).customer_id)
    async with shop.db.transaction() as tx:
        await commands.export(tx, MANAGER, "ana-canary")
    await erased(shop, by=MANAGER)
    page = await audit_log(shop.db, MANAGER, AuditFilter(subject=known), first=10, after=None)
    recorded = [(event.action, event.by, event.reason) for event in page.entries]
    assert recorded == [
        (PersonalDataAction.CustomerErased, MANAGER.actor, "Asked for it"),
        (PersonalDataAction.CustomerExported, MANAGER.actor, None),
    ]


@pytest.mark.parametrize("viewer", [ANA, SUPPORT, CART], ids=lambda viewer: str(viewer.role))
async def test_only_managers_and_operators_may(shop: ShopUnderTest, viewer: Viewer) -> None:
    await delivered(shop)
    async with shop.db.transaction() as tx:
        with pytest.raises(Refused, match="export or erase"):
            await commands.export(tx, viewer, "ana-canary")
        with pytest.raises(Refused, match="export or erase"):
            await commands.erase(tx, viewer, "ana-canary", "Why not")


async def test_an_export_contains_all_data_of_the_customer_and_of_nobody_else(shop: ShopUnderTest) -> None:
    order = await delivered(shop)
    await shop.place({"pen": 1}, customer="bob", email="bob@example.com")
    await with_an_account_and_a_token(shop)
    async with shop.db.transaction() as tx:
        held = await commands.export(tx, OPERATOR, "ana-canary")
    assert [row["shipping_address"] for row in held["orders"]] == [ADDRESS]
    assert [row["login"] for row in held["accounts"]] == ["ana@canary.example"]
    assert {row["order_id"] for row in held["order_events"]} == {str(order)}
    assert held["shipments"][0]["charged_minor"] > 0
    assert len(held["access_tokens"]) == len(held["customers"]) == 1
    assert "bob" not in json.dumps(held)
    assert "hash" not in json.dumps(held)


async def test_a_customers_own_words_are_in_the_timeline_and_not_in_stored_events(shop: ShopUnderTest) -> None:
    order = await shop.place({"pen": 1}, **PERSONAL)
    await shop.run()
    await shop.cancel(order, ANA)
    await shop.run()
    events = (await timeline.events_of(shop.db, SUPPORT, [Section(order, 0, 99)]))[Section(order, 0, 99)]
    assert {event.reason for event in events if event.type in CANCELLED} == {"Changed my mind"}
    assert await shop.rows("SELECT * FROM order_events WHERE reason IS NOT NULL") == []
    await erased(shop)
    events = (await timeline.events_of(shop.db, SUPPORT, [Section(order, 0, 99)]))[Section(order, 0, 99)]
    assert {event.reason for event in events} == {None}


def test_the_commands_export_and_erase(database_url: str, redis_url: str, tmp_path: Path) -> None:
    asyncio.run(_deliver_and_erase(database_url, tmp_path, erase=False))
    environment = os.environ | {"OMS_DATABASE_URL": database_url, "OMS_REDIS_URL": redis_url}

    def oms(*words: str) -> subprocess.CompletedProcess[str]:
        return oms_process.oms("customer", *words, environment=environment)

    assert json.loads(oms("export", "ana-canary").stdout)["orders"][0]["email"] == PERSONAL["email"]
    pseudonym = oms("erase", "ana-canary", "--reason", "Asked for it").stdout.strip()
    assert pseudonym.startswith("erased-")
    assert json.loads(oms("export", pseudonym).stdout)["orders"][0]["email"] is None
    unknown = oms("export", "nobody")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "There is no customer" in unknown.stderr


async def _deliver_and_erase(database_url: str, folder: Path, *, erase: bool = True) -> None:
    async with open_shop(database_url, folder) as shop:
        await shop.stock_up({"pen": {"east": 9}})
        await delivered(shop)
        if erase:
            await erased(shop)


async def test_erasing_one_customer_leaves_the_references_that_others_chose(shop: ShopUnderTest) -> None:
    await shop.stock_up({"pen": {"east": 9}})
    name = "my-order"
    await shop.place({"pen": 1}, reference=name, customer="ana-canary")
    for reference in ("ana-canary", "ben"):
        request = OrderRequest(name, reference, (LineRequest("pen", 1),), "sandbox-ok")
        async with shop.db.transaction() as tx:
            await orders.place(tx, [(customer(reference), request)])
    for (order,) in await shop.rows("SELECT id FROM orders WHERE customer_reference = 'ana-canary'"):
        await shop.cancel(order)
    done = await erased(shop)
    owners = "SELECT owner FROM order_references WHERE reference = :name ORDER BY owner"
    assert await shop.rows(owners, name=name) == [("",), ("ben",), (done.pseudonym,)]
    names = "SELECT count(*) FROM order_references WHERE owner = '' AND reference LIKE 'C-%'"
    assert await shop.rows(names) == [(2,)]
