"""Migrations that add are applied while the old program serves: no request is refused, and it can be restarted."""

import ast
import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from oms.platform.settings import PROJECT_DIR
from oms.tools.dev_services.embedded import running_instance
from tests.platform.conftest import Environment, Instance, clean_environment, oms
from tests.platform.test_acknowledged import Cart

VERSIONS = PROJECT_DIR / "migrations" / "versions"

EXPAND = """
import sqlalchemy as sa
from alembic import op

revision = "a_later_version"
down_revision = "{head}"
branch_labels = None
depends_on = None
kind = "expand"

def upgrade() -> None:
    op.add_column("orders", sa.Column("gift_note", sa.Text()))
    op.create_table("gifts", sa.Column("order_id", sa.Uuid(), primary_key=True))
    with op.get_context().autocommit_block():
        op.create_index("ix_orders_gift_note", "orders", ["gift_note"], postgresql_concurrently=True)

def downgrade() -> None:
    pass
"""
CONTRACT = """
from alembic import op

revision = "a_version_without_gifts"
down_revision = "a_later_version"
branch_labels = None
depends_on = None
kind = "contract"

def upgrade() -> None:
    op.drop_table("gifts")

def downgrade() -> None:
    pass
"""
UPGRADE = """
import sys
from alembic import command
from oms.platform.migrations import migration_config
config = migration_config(sys.argv[1])
config.set_main_option("path_separator", "os")
config.set_main_option("version_locations", sys.argv[2])
command.upgrade(config, sys.argv[3])
"""


def revision_of(migration: Path) -> str:
    """Its revision; the last of several is the head, as they are named by date."""
    values = {
        target.id: ast.literal_eval(node.value)
        for node in ast.parse(migration.read_text()).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    return str(values["revision"])


@pytest.fixture
def environment(open_dir: Path) -> Environment:
    """A folder of its own, as its database ends at a version that the product does not have."""
    return clean_environment(open_dir / "migrated further")


@pytest.fixture
def migrate_further(tmp_path: Path, environment: Environment) -> Callable[[str], subprocess.CompletedProcess[str]]:
    """Applies a migration that the product does not have, as a later program would."""
    later = tmp_path / "later"
    later.mkdir()
    head = revision_of(max(VERSIONS.glob("*.py")))
    (later / "20990101_0000_gifts.py").write_text(EXPAND.format(head=head))
    (later / "20990102_0000_no_gifts.py").write_text(CONTRACT)

    def apply(revision: str) -> subprocess.CompletedProcess[str]:
        instance = running_instance(Path(environment["OMS_DATA_DIR"]))
        assert instance
        command = [sys.executable, "-c", UPGRADE, instance.owner_url, f"{VERSIONS}:{later}", revision]
        return subprocess.run(command, cwd=PROJECT_DIR, env=environment, capture_output=True, text=True, check=False)

    return apply


@pytest.mark.trial
async def test_a_migration_that_adds_is_applied_under_load_and_the_old_program_goes_on_and_starts_again(
    start: Callable[..., Instance],
    environment: Environment,
    migrate_further: Callable[[str], subprocess.CompletedProcess[str]],
) -> None:
    instance = start()
    await asyncio.to_thread(instance.wait_until_ready)
    cart = Cart(environment)
    placing = [asyncio.create_task(cart.place(instance.url, placer, asyncio.Event())) for placer in range(4)]
    await asyncio.sleep(1)
    before = len(cart.acknowledged)
    migrated = await asyncio.to_thread(migrate_further, "a_later_version")
    assert migrated.returncode == 0, migrated.stderr
    await asyncio.sleep(1)
    assert [task for task in placing if task.done()] == [], "a request failed while the migration ran"
    assert len(cart.acknowledged) > before
    assert cart.refused == []
    for task in placing:
        task.cancel()
    await asyncio.gather(*placing, return_exceptions=True)
    await until_booked(cart, instance)

    checked = await asyncio.to_thread(oms, environment, "check")
    assert checked.returncode == 0, checked.stdout
    instance.child("oms", "worker").kill()
    await asyncio.to_thread(instance.wait_until, lambda: instance.output.count("worker started") == 2, within_s=20)

    contracted = await asyncio.to_thread(migrate_further, "a_version_without_gifts")
    assert contracted.returncode == 0, contracted.stderr
    refused = await asyncio.to_thread(oms, environment, "check")
    assert refused.returncode == 2
    assert "serves the versions: a_version_without_gifts." in " ".join((refused.stdout + refused.stderr).split())


async def until_booked(cart: Cart, instance: Instance) -> None:
    for _ in range(60):
        if await cart.statuses(instance.url) == {"BOOKED"}:
            return
        await asyncio.sleep(0.5)
    raise AssertionError(await cart.statuses(instance.url))


# What an old program that is still running can't do without, or what locks a table for as long as it is large.
FORBIDDEN = {"drop_table", "drop_column", "rename_table", "drop_constraint", "create_primary_key", "create_foreign_key"}
GROWING = {
    "allocations", "audit_events", "customers", "idempotency_keys", "order_events", "order_lines", "orders",
    "sessions", "shipments", "tallies", "work",
}  # fmt: skip


def objections(source: str) -> Iterator[str]:
    """What a migration that calls itself an expansion must not do in its `upgrade`."""
    tree = ast.parse(source)
    (upgrade,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "upgrade"]
    for call in [node for node in ast.walk(upgrade) if isinstance(node, ast.Call)]:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        words = {keyword.arg: keyword.value for keyword in call.keywords}
        texts = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
        if name in FORBIDDEN:
            yield f"{name} takes away what the old program uses"
        if name == "alter_column" and words.keys() & {"new_column_name", "type_", "nullable"}:
            yield "alter_column changes what the old program knows"
        if name == "create_index" and GROWING & set(texts) and "postgresql_concurrently" not in words:
            yield "create_index locks a table that grows: postgresql_concurrently"
        if (
            name == "Column"
            and "server_default" not in words
            and is_false(words.get("nullable"))
            and adds(upgrade, call)
        ):
            yield "a new column that must not be null needs a server_default: the old program does not fill it"


def is_false(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is False


def adds(upgrade: ast.FunctionDef, column: ast.Call) -> bool:
    """Whether the column is added to a table that was there before."""
    added = [
        node
        for node in ast.walk(upgrade)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "add_column"
    ]
    return any(column in call.args for call in added)


@pytest.mark.parametrize("migration", sorted(VERSIONS.glob("*.py")), ids=lambda path: path.stem)
def test_each_migration_says_its_kind_and_one_that_expands_takes_nothing_away(migration: Path) -> None:
    source = migration.read_text()
    assert 'kind = "contract"' in source or ('kind = "expand"' in source and list(objections(source)) == [])


@pytest.mark.parametrize(
    "statement",
    [
        'op.drop_column("orders", "email")',
        'op.drop_table("work")',
        'op.alter_column("orders", "email", new_column_name="mail")',
        'op.alter_column("orders", "email", nullable=False)',
        'op.create_index("ix", "orders", ["email"])',
        'op.add_column("orders", sa.Column("gift", sa.Text(), nullable=False))',
    ],
)
def test_what_an_old_program_cant_live_with_is_objected_to(statement: str) -> None:
    assert len(list(objections(f"def upgrade():\n    {statement}\n"))) == 1


def test_what_only_adds_is_not_objected_to() -> None:
    assert list(objections(EXPAND)) == []
