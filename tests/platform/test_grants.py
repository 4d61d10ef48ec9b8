"""The application's database role has the privileges that the code needs and no others: event logs never change."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import MetaData, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from oms.domain.audit.model import OPERATOR, Entry
from oms.domain.audit.record import record
from oms.domain.concepts import metadata
from oms.domain.fraud.commands import set_spending_limit
from oms.domain.tokens.policy import TokenAction
from oms.platform.grants import APP_ROLE, address_of, append_only, granted, grants
from oms.platform.migrations import migrate
from oms.platform.settings import CannotStart
from oms.tools.dev_services.embedded import Engines
from tests import oms_process
from tests.owner import owner_of
from tests.shop import MANAGER, ShopUnderTest, open_shop

REWRITES = (
    "UPDATE {log} SET {column} = {column}",
    "DELETE FROM {log}",
    "TRUNCATE {log}",
    "DROP TABLE {log}",
    "ALTER TABLE {log} RENAME TO x",
)
EXTERNAL = "created_by_an_operator"


def run(url: str, *statements: str) -> Any:
    """Executes statements; returns the last one's rows."""

    async def execute() -> Any:
        connection = await asyncpg.connect(address_of(url))
        try:
            for statement in statements[:-1]:
                await connection.execute(statement)
            return await connection.fetch(statements[-1])
        finally:
            await connection.close()

    return asyncio.run(execute())


@pytest.fixture
async def shop(database_url: str, tmp_path: Any) -> Any:
    async with open_shop(database_url, tmp_path) as shop:
        yield shop


@pytest.mark.parametrize("rewrite", REWRITES)
@pytest.mark.parametrize("log", append_only())
async def test_the_application_cannot_rewrite_an_event_log(shop: ShopUnderTest, log: str, rewrite: str) -> None:
    await shop.stock_up({"pen": {"east": 1}})
    await shop.place({"pen": 1})
    await shop.run("allocation")
    async with shop.db.transaction() as tx:
        await set_spending_limit(tx, MANAGER, 1, "USD")
        await record(tx, OPERATOR, Entry(TokenAction.TokenIssued, "token:1"))
    await shop.seal()
    before = await shop.rows(f"SELECT * FROM {log} ORDER BY 1")
    assert before

    async def attempt() -> None:
        async with shop.db.transaction() as tx:
            await tx.conn.execute(text(rewrite.format(log=log, column=metadata.tables[log].c[0].name)))

    with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
        await attempt()
    assert await shop.rows(f"SELECT * FROM {log} ORDER BY 1") == before


def test_every_table_has_its_grants_and_the_database_has_no_others(database_url: str) -> None:
    async def read() -> dict[str, frozenset[str]]:
        connection = await asyncpg.connect(address_of(database_url))
        try:
            return await granted(connection)
        finally:
            await connection.close()

    written_by_migrations = {"alembic_version", "served_versions"}
    assert grants().keys() == metadata.tables.keys() | written_by_migrations
    assert asyncio.run(read()) == grants()


def test_the_application_owns_nothing_and_cannot_become_the_owner(database_url: str) -> None:
    owned = f"SELECT relname FROM pg_class WHERE relowner = '{APP_ROLE}'::regrole"
    powers = f"SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles WHERE rolname = '{APP_ROLE}'"
    member = f"SELECT roleid FROM pg_auth_members WHERE member = '{APP_ROLE}'::regrole"
    assert run(database_url, owned) == []
    assert [tuple(row) for row in run(database_url, powers)] == [(False, False, False, False)]
    assert run(database_url, member) == []
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        run(database_url, "CREATE TABLE mine (it int)")


def test_the_application_cannot_create_temporary_tables(database_url: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="temporary tables"):
        run(database_url, "CREATE TEMPORARY TABLE mine (it int)")


@pytest.mark.parametrize("database", ["postgres", "template1"])
def test_the_application_cannot_connect_to_another_database(database_url: str, database: str) -> None:
    other = make_url(database_url).set(database=database).render_as_string(hide_password=False)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="CONNECT"):
        run(other, "SELECT 1")


def test_migrating_revokes_an_extra_grant_and_adds_a_missing_one(database_url: str) -> None:
    owner = owner_of(database_url)
    run(owner, f"GRANT DELETE ON order_events TO {APP_ROLE}", f"REVOKE INSERT ON orders FROM {APP_ROLE}")
    migrate(owner)
    privileges = "SELECT has_table_privilege('order_events', 'DELETE'), has_table_privilege('orders', 'INSERT')"
    assert [tuple(row) for row in run(database_url, privileges)] == [(False, True)]


@pytest.fixture
def operator(engines: Engines) -> Iterator[tuple[str, str]]:
    """URLs of the owner and the application, with the roles of docs/guides/deployment.md, on a database of its own."""
    server = engines.owner_url
    run(
        server,
        "CREATE ROLE shop_owner LOGIN PASSWORD 'o'",
        "CREATE ROLE shop_web LOGIN PASSWORD 'w'",
        f"GRANT {APP_ROLE} TO shop_web",
        f"CREATE DATABASE {EXTERNAL} OWNER shop_owner",
        f"REVOKE TEMPORARY ON DATABASE {EXTERNAL} FROM PUBLIC",
        "SELECT 1",
    )
    own = make_url(server).set(database=EXTERNAL)
    yield (
        own.set(username="shop_owner", password="o").render_as_string(hide_password=False),
        own.set(username="shop_web", password="w").render_as_string(hide_password=False),
    )
    run(server, f"DROP DATABASE {EXTERNAL} WITH (FORCE)", "DROP ROLE shop_owner", "DROP ROLE shop_web", "SELECT 1")


def test_an_operators_own_roles_work_as_documented(operator: tuple[str, str], redis_url: str, tmp_path: Path) -> None:
    owner, application = operator
    with pytest.raises(CannotStart, match="OMS_MIGRATION_DATABASE_URL"):
        migrate(application)
    migrate(owner)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        run(application, "DELETE FROM audit_events")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        run(application, "CREATE TEMPORARY TABLE mine (it int)")
    checked = oms("check", database=application, redis=redis_url, OMS_DATA_DIR=str(tmp_path))
    assert checked.returncode == 0, checked.stderr
    assert "not protected" not in output_at_start(application, redis_url)
    assert "not protected" in output_at_start(owner, redis_url)


def oms(*arguments: str, database: str, redis: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"OMS_DATABASE_URL": database, "OMS_REDIS_URL": redis} | more
    return oms_process.oms(*arguments, environment=environment)


def output_at_start(database: str, redis: str) -> str:
    """What `web` writes before it fails to listen on that address."""
    return oms("web", database=database, redis=redis, OMS_HOST="192.0.2.1").stderr


async def test_the_append_only_tables_are_known_only_once_tables_are_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise every process would warn that its event logs may be changed."""
    monkeypatch.setattr("oms.platform.grants.metadata", MetaData())
    with pytest.raises(RuntimeError, match="No tables are declared"):
        append_only()
