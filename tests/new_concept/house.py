"""The house with one more concept: the repairs of this folder. Run by test_new_concept.py in a process of its own.

What a concept adds to existing files is one line in each of four lists. Here they are assignments, made before the
modules that read the lists are imported.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from oms.domain import concepts
from oms.domain.access.permissions import Viewer
from oms.domain.concept.registry import register
from oms.domain.vocabulary.actor import Role
from oms.jobs import consumer, handlers
from oms.platform.grants import address_of, granted
from oms.platform.migrations import migrate
from oms.platform.settings import PROJECT_DIR, load_settings
from oms.tools.dev_services.embedded import Engines
from oms.web.pages import registry
from tests.new_concept import job, page
from tests.new_concept import schema as repairs_schema
from tests.new_concept.repairs import commands
from tests.new_concept.repairs.concept import REPAIRS
from tests.new_concept.repairs.tables import repairs

concepts.CONCEPTS = (*concepts.CONCEPTS, REPAIRS)  # type: ignore[misc]  # the one line in oms/domain/concepts.py
concepts.REGISTRY = register(concepts.CONCEPTS, concepts.metadata)  # type: ignore[misc]
consumer.HANDLERS = handlers.checked({**handlers.HANDLERS, "repairs": job.handle})  # type: ignore[attr-defined]
registry.PAGES = (*registry.PAGES, page.RepairPages)  # type: ignore[assignment, misc]

from oms.domain.diagnosis.model import Thresholds  # noqa: E402 - from here on everything reads the lists
from oms.domain.diagnosis.queries import standstills  # noqa: E402
from oms.domain.parked import commands as parked  # noqa: E402
from oms.domain.personal_data import commands as personal_data  # noqa: E402
from oms.domain.work.model import WorkKey  # noqa: E402
from oms.schema.schema import MODULES, build_schema  # noqa: E402
from oms.tools.check.rules import checks_of, modules_in  # noqa: E402
from oms.tools.check.snapshot import examine  # noqa: E402
from oms.tools.reference.pages import PAGES  # noqa: E402
from oms.web.pages.rendering import site  # noqa: E402
from tests.shop import MANAGER, SUPPORT, ShopUnderTest, customer, open_shop  # noqa: E402
from tests.web.conftest import DEMO_COOKIE, NO_TLS, issued, serving, session_of  # noqa: E402

SCHEMA = build_schema((*MODULES, repairs_schema))

HERE = Path(__file__).parent
_CREATE = str(CreateTable(repairs).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]


@pytest.fixture(scope="session")
def database_url(engines: Engines) -> Iterator[str]:
    """A migrated database with the table of repairs, as a migration would add it."""
    asyncio.run(_execute(engines.owner_url, _CREATE))
    try:
        migrate(engines.owner_url)  # which grants, too
        yield engines.database_url
    finally:
        asyncio.run(_execute(engines.owner_url, "DROP TABLE repairs"))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(address_of(url))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    async with open_shop(database_url, tmp_path) as shop:
        yield shop


async def opened(shop: ShopUnderTest, viewer: Viewer = MANAGER) -> UUID:
    async with shop.db.transaction() as tx:
        return await commands.open_repair(tx, viewer, "ana", "It rattles.")


async def statuses(shop: ShopUnderTest) -> list[str]:
    return [status for (status,) in await shop.rows("SELECT status FROM repairs ORDER BY id")]


async def broken_rules(owner_url: str) -> list[str]:
    """What the checker finds, with the concept's own rules."""
    rules = checks_of([*modules_in([str(PROJECT_DIR / "oms/tools/check/rules")], "oms.tools.check.rules"),
                       *modules_in([str(HERE / "rules")], "tests.new_concept.rules")])  # fmt: skip
    connection = await asyncpg.connect(address_of(owner_url))
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return [result.holds for result in await examine(connection, rules) if result.is_violation]
    finally:
        await connection.close()


def test_the_schema_has_its_type_query_and_command() -> None:
    sdl = " ".join(re.sub(r'""".*?"""', "", SCHEMA.as_str(), flags=re.DOTALL).split())
    assert "type Repair {" in sdl
    assert "repairs( first: Int = 20 after: String = null ): RepairConnection!" in sdl
    assert "openRepair( customerReference: String! complaint: String! ): RepairPayload!" in sdl


def test_the_fields_have_their_permissions() -> None:
    assert {need.name for need in SCHEMA.needs["Repair", "complaint"]} == {"READ_REPAIRS"}
    assert {need.name for need in SCHEMA.needs["Mutation", "openRepair"]} == {"OPEN_REPAIR"}


@pytest.mark.parametrize(
    ("printed", "text"),
    [
        ("permissions.md", r"\| open a repair \| – \| – \| yes \| yes \| – \|"),
        ("diagrams.md", r"\[\*\] --> OPEN: RepairOpened\n    OPEN --> FINISHED: RepairFinished"),
        ("tables.md", r"`repairs`"),
        ("events.md", r"RepairFinished"),
        ("work.md", r"\| `repairs` \| repairs \| FINISH: finish the repair \|"),
        ("errors.md", r"`NOT_OPEN`"),
    ],
)
def test_the_reference_shows_it(printed: str, text: str) -> None:
    assert re.search(text, PAGES[printed]())


async def test_the_application_may_do_with_its_table_what_it_declares(shop: ShopUnderTest, engines: Engines) -> None:
    connection = await asyncpg.connect(address_of(engines.owner_url))
    try:
        assert (await granted(connection))["repairs"] == {"SELECT", "INSERT", "UPDATE"}
    finally:
        await connection.close()


async def test_its_work_is_done(shop: ShopUnderTest) -> None:
    await opened(shop)
    assert await shop.rows("SELECT queue, step FROM work") == [("repairs", "FINISH")]
    await shop.run()
    assert await statuses(shop) == ["FINISHED"]
    assert await shop.rows("SELECT queue FROM work") == []


async def test_its_stuck_work_is_seen_and_retried(shop: ShopUnderTest) -> None:
    key = await opened(shop)
    await shop.execute("UPDATE work SET parked_at = clock_timestamp(), attempt = 3, last_error = 'No spare part'")
    [found] = (await standstills(shop.db, Thresholds(everything=True))).standstills
    assert (found.subject.reference, found.cause.name) == (f"repair {key}", "PARKED")
    async with shop.db.transaction() as tx:
        await parked.retry(tx, SUPPORT, WorkKey(key, 0, "repairs"))
    await shop.run()
    assert await statuses(shop) == ["FINISHED"]


async def test_customers_export_and_erasure_include_it(shop: ShopUnderTest) -> None:
    await shop.stock_up({"pen": {"east": 1}})
    await shop.cancel(await shop.place({"pen": 1}, customer="ana"))
    await opened(shop)
    await shop.run()
    async with shop.db.transaction() as tx:
        exported = await personal_data.export(tx, MANAGER, "ana")
        assert [row["complaint"] for row in exported["repairs"]] == ["It rattles."]
        erased = await personal_data.erase(tx, MANAGER, "ana", "Asked for it")
    assert erased["repairs"] == 1
    assert await shop.rows("SELECT customer_reference, complaint FROM repairs") == [(erased.pseudonym, None)]


async def test_its_rules_are_checked(shop: ShopUnderTest, engines: Engines) -> None:
    await opened(shop)
    assert await broken_rules(engines.owner_url) == []
    await shop.execute("DELETE FROM work")
    assert await broken_rules(engines.owner_url) == ["An open repair has work that will finish it"]


@pytest.fixture
def url(
    shop: ShopUnderTest, database_url: str, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The web process, with the concept's templates beside the others."""
    templates = tmp_path / "templates"
    templates.mkdir()
    for folder in (PROJECT_DIR / "templates", HERE / "templates"):
        for entry in folder.iterdir():
            (templates / entry.name).symlink_to(entry)
    monkeypatch.setattr(site, "TEMPLATES", templates)
    settings = load_settings(database_url=database_url, redis_url=redis_url, database_pool_size=5, demo=True)
    with serving(settings, SCHEMA) as server:
        yield server.url


async def test_staff_command_it_over_the_api_and_others_may_not(url: str, shop: ShopUnderTest) -> None:
    done = await _open_over_api(url, await issued(shop.db, role=Role.MANAGER))
    assert (done["repairId"][:4], done["userErrors"]) == ("rep_", [])
    [(action, subject)] = await shop.rows("SELECT action, subject FROM audit_events WHERE action = 'RepairOpened'")
    assert (action, subject) == ("RepairOpened", str(UUID(done["repairId"][4:])))
    refused = await _open_over_api(url, await issued(shop.db, role=Role.COURIER))
    assert (refused["repairId"], [error["code"] for error in refused["userErrors"]]) == (None, ["FORBIDDEN"])


async def _open_over_api(url: str, token: str) -> dict[str, Any]:
    command = """mutation { openRepair(customerReference: "ana", complaint: "It rattles.") {
        repairId userErrors { code reason message } } }"""
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {token}"}, verify=NO_TLS) as client:
        answer = (await client.post("/graphql", json={"query": command})).json()
    payload: dict[str, Any] = answer["data"]["openRepair"]
    return payload


async def test_staff_see_it_on_its_page_and_others_do_not(url: str, shop: ShopUnderTest) -> None:
    await opened(shop)
    as_manager = await _page(url, shop, MANAGER)
    assert as_manager.status_code == 200
    assert "It rattles." in as_manager.text
    assert "In the workshop" in as_manager.text
    assert '<a href="/manager/repairs"' in as_manager.text
    as_customer = await _page(url, shop, customer("ana"))
    assert as_customer.status_code == 403


async def _page(url: str, shop: ShopUnderTest, viewer: Viewer) -> httpx.Response:
    cookies = {DEMO_COOKIE.name: await session_of(shop.db, viewer)}
    async with httpx.AsyncClient(base_url=url, cookies=cookies, verify=NO_TLS) as browser:
        return await browser.get("/manager/repairs")
