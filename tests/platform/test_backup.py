"""Backups of the embedded database: any instant can be restored, with the orders acknowledged by then and no others."""

import asyncio
import json
import re
import shutil
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest

from oms.platform.db import Database
from oms.platform.grants import address_of
from oms.platform.migrations import migrate
from oms.tools.dev_services.embedded import Engines
from oms.tools.dev_services.embedded.backup import BackupFolder
from oms.tools.dev_services.embedded.restore import restore
from oms.tools.doctor.health import check_health
from tests.platform.conftest import Environment, Instance, oms
from tests.platform.test_acknowledged import Cart
from tests.web.conftest import until

PLACERS = 3

KNOWN_TO_BILLING_ONLY = {"Sandbox: the keys of its calls name shipments that exist"}
"""After a restore to an earlier instant: later charges and bookings have to be refunded and released by people."""


async def place_some(cart: Cart, instance: Instance, count: int) -> None:
    """Places at least `count` more orders; when it returns, no request is running."""
    wanted = len(cart.acknowledged) + count
    placing = [asyncio.create_task(cart.place(instance.url, 100 * wanted + n, asyncio.Event())) for n in range(PLACERS)]
    await until(lambda: len(cart.acknowledged) >= wanted, within_s=60)
    for task in placing:
        task.cancel()
    await asyncio.gather(*placing, return_exceptions=True)
    await asyncio.sleep(0.5)  # what a cancelled request had begun has been committed by now, too


def kill_everything(instance: Instance) -> None:
    for process in [psutil.Process(instance.process.pid), *instance.tree()]:
        if process.is_running():
            process.kill()
    instance.process.wait()


async def known(instance: Instance, headers: dict[str, str], prefix: str = "") -> set[str]:
    """References of all orders that carts of these tests placed."""
    found: set[str] = set()
    query = "query ($after: String) { orders(first: 100, after: $after) {"
    query += " nodes { reference } pageInfo { hasNextPage endCursor } } }"
    async with httpx.AsyncClient(headers=headers, timeout=20) as client:
        after = None
        while True:
            request = {"query": query, "variables": {"after": after}}
            page = (await client.post(f"{instance.url}/graphql", json=request)).json()["data"]["orders"]
            found |= {node["reference"] for node in page["nodes"]}
            if not page["pageInfo"]["hasNextPage"]:
                return {reference for reference in found if re.fullmatch(r"\d+-\d+", reference)}
            after = page["pageInfo"]["endCursor"]


@pytest.mark.trial
async def test_any_instant_can_be_restored_with_the_orders_acknowledged_by_then_and_no_others(
    start: Callable[..., Instance], environment: Environment, open_dir: Path
) -> None:
    backups, lost = open_dir / "backups", Path(environment["OMS_DATA_DIR"])
    shutil.rmtree(backups, ignore_errors=True)
    instance = start(OMS_BACKUP_DIR=str(backups))
    await asyncio.to_thread(instance.wait_until_ready)
    with_backups = environment | {"OMS_BACKUP_DIR": str(backups)}
    cart = Cart(environment)
    taking = asyncio.create_task(asyncio.to_thread(oms, with_backups, "backup"))
    await place_some(cart, instance, 20)
    taken = await taking
    assert taken.returncode == 0, taken.stderr
    assert "verified" in taken.stdout
    await place_some(cart, instance, 20)
    await asyncio.sleep(1)  # a copy is named after the next full second: instants before are refused
    instant, before = datetime.now(UTC), set(cart.acknowledged)
    await asyncio.sleep(0.2)
    await place_some(cart, instance, 20)
    later = set(cart.acknowledged) - before
    kill_everything(instance)

    for to, expected in ((instant, before), (None, before | later)):
        folder = open_dir / f"restored {'then' if to else 'all'}"
        shutil.rmtree(folder, ignore_errors=True)
        anew = with_backups | {"OMS_DATA_DIR": str(folder)}
        options = ["--to", f"{to:%Y-%m-%dT%H:%M:%S.%fZ}"] if to else []
        restored = await asyncio.to_thread(
            oms, anew, "restore", *options, "--lost-wal", str(lost / "postgres" / "pg_wal")
        )
        assert restored.returncode == 0, restored.stderr
        keep_books(lost, folder)
        again = start(OMS_DATA_DIR=str(folder))
        await asyncio.to_thread(again.wait_until_ready)
        token = oms(anew, "token", "--role", "SERVICE", "--name", "cart").stdout.strip()
        found = await known(again, {"Authorization": f"Bearer {token}"})
        assert expected <= found
        assert to is None or not found & later
        cart.headers = {"Authorization": f"Bearer {token}"}
        cart.acknowledged = list(expected)
        await place_some(cart, again, 5)
        await until_booked(cart, again)
        await asyncio.to_thread(oms, anew, "check", "--json", str(folder / "check.json"))
        results = json.loads((folder / "check.json").read_bytes())["results"]
        broken = {result["holds"] for result in results if result["kind"] == "rule" and result["found_count"]}
        assert broken == (KNOWN_TO_BILLING_ONLY if to else set())
        again.stop()
        shutil.rmtree(folder)
    shutil.rmtree(backups)


@pytest.mark.trial
def test_a_restored_shop_survives_the_next_disaster_before_its_next_backup(open_dir: Path, redis_url: str) -> None:
    """The archive must lead from the old base backup over the first restore to what came after it."""
    backups = BackupFolder(open_dir / "backups twice")
    folders = [open_dir / name for name in ("first", "second", "third")]
    for folder in (backups.path, *folders):
        shutil.rmtree(folder, ignore_errors=True)
    with Engines(folders[0], redis_url=redis_url, backup_dir=backups.path) as engines:
        asyncio.run(execute(engines.owner_url, "CREATE TABLE notes (n int)"))
        backups.take(engines.owner_url)
        asyncio.run(execute(engines.owner_url, "INSERT INTO notes VALUES (1); SELECT pg_switch_wal()"))
        asyncio.run(execute(engines.owner_url, "INSERT INTO notes VALUES (2)"))
        engines.servers[0].process.send_signal(signal.SIGQUIT)
        engines.servers[0].process.wait(30)
    restore(backups, folders[1], to=None, lost_wal=folders[0] / "postgres" / "pg_wal")
    with Engines(folders[1], redis_url=redis_url, backup_dir=backups.path) as engines:
        asyncio.run(execute(engines.owner_url, "INSERT INTO notes VALUES (3)"))
        asyncio.run(archived(engines.owner_url))
        full = backups.wal.rename(backups.path / "away")  # stands for a full disk
        asyncio.run(execute(engines.owner_url, "INSERT INTO notes VALUES (4)"))
        asyncio.run(until_archive(engines, redis_url, "failing since"))
        full.rename(backups.wal)
        asyncio.run(until_archive(engines, redis_url, "PostgreSQL archives its changes"))
    restore(backups, folders[2], to=None, lost_wal=None)
    with Engines(folders[2], redis_url=redis_url) as engines:
        assert asyncio.run(execute(engines.owner_url, "SELECT n FROM notes ORDER BY n")) == [1, 2, 3, 4]
    for folder in (backups.path, *folders):
        shutil.rmtree(folder)


IN_ARCHIVE_WITHIN_S = 60.0


@pytest.mark.trial
@pytest.mark.parametrize(("rows", "commits"), [(1, 1), (1, 20), (20_000, 60)], ids=["one", "few", "many"])
async def test_a_commit_is_in_the_archive_within_a_minute_at_any_rate(
    open_dir: Path, redis_url: str, rows: int, commits: int
) -> None:
    """So many commits of so many rows, at most two a second. The first is as far from PostgreSQL's timer as can be."""
    backups, folder = BackupFolder(open_dir / "backups in time"), open_dir / "in time"
    for each in (backups.path, folder):
        shutil.rmtree(each, ignore_errors=True)
    with Engines(folder, redis_url=redis_url, backup_dir=backups.path) as engines:
        await execute(engines.owner_url, "CREATE TABLE notes (n int, words text)")
        await archived(engines.owner_url)
        took_s = []
        async with asyncio.TaskGroup() as waiting:
            for _ in range(commits):
                insert = f"INSERT INTO notes SELECT n, md5(random()::text) FROM generate_series(1, {rows}) n"
                await execute(engines.owner_url, insert)
                committed_s = time.monotonic()
                [segment] = await execute(engines.owner_url, "SELECT pg_walfile_name(pg_current_wal_insert_lsn())")

                async def measure(file: Path, since_s: float) -> None:
                    await until(file.exists, within_s=2 * IN_ARCHIVE_WITHIN_S)
                    took_s.append(time.monotonic() - since_s)

                waiting.create_task(measure(backups.wal / str(segment), committed_s))
                await asyncio.sleep(0.5)
    assert max(took_s) <= IN_ARCHIVE_WITHIN_S
    for each in (backups.path, folder):
        shutil.rmtree(each)


async def execute(owner_url: str, statements: str) -> list[object]:
    """The first column of the last statement's result, if it is the only one."""
    connection = await asyncpg.connect(address_of(owner_url))
    try:
        if statements.startswith("SELECT"):
            return [row[0] for row in await connection.fetch(statements)]
        await connection.execute(statements)
        return []
    finally:
        await connection.close()


async def archived(owner_url: str) -> None:
    """Waits until everything written so far is in the archive."""
    [segment] = await execute(owner_url, "SELECT pg_walfile_name(pg_switch_wal())")

    async def is_there() -> bool:
        [last] = await execute(owner_url, "SELECT last_archived_wal FROM pg_stat_archiver")
        return str(last or "") >= str(segment)

    await until(is_there, within_s=60)


async def until_archive(engines: Engines, redis_url: str, state: str) -> None:
    """Waits until the doctor says so."""
    await asyncio.to_thread(migrate, engines.owner_url)
    db = Database(engines.database_url, pool_size=1, notify=lambda _: None)

    async def is_so() -> bool:
        await execute(engines.owner_url, "SELECT pg_switch_wal()")
        [finding] = [each for each in await check_health(db, redis_url, engines.folder.path) if each.name == "Archive"]
        return state in finding.state and finding.is_healthy == ("failing" not in state)

    await until(is_so, within_s=90)
    await db.close()


def keep_books(lost: Path, restored: Path) -> None:
    """Billing and courier are other systems: their data were not lost with the shop's disk."""
    shutil.copytree(lost / "sandbox", restored / "sandbox", dirs_exist_ok=True)


async def until_booked(cart: Cart, instance: Instance) -> None:
    for _ in range(60):
        if await cart.statuses(instance.url) == {"BOOKED"}:
            return
        await asyncio.sleep(0.5)
    raise AssertionError(await cart.statuses(instance.url))


def base_of(backups: BackupFolder, at: str, first_wal: str) -> Path:
    folder = backups.path / f"base-{at}"
    folder.mkdir(parents=True)
    (folder / "backup_label").write_text(f"START WAL LOCATION: 0/2000028 (file {first_wal})\n")
    return folder


def test_old_backups_are_removed_with_the_part_of_the_archive_that_only_they_needed(tmp_path: Path) -> None:
    backups = BackupFolder(tmp_path / "backups")
    backups.prepare(None)
    archived = [f"0000000100000000000000{number:02X}" for number in range(1, 10)]
    for name in archived:
        (backups.wal / name).touch()
    base_of(backups, "20261120T000000Z", archived[1])
    kept = [base_of(backups, "20261121T000000Z", archived[4]), base_of(backups, "20261122T000000Z", archived[7])]
    assert [base.folder.name for base in backups.keep(2)] == ["base-20261120T000000Z"]
    assert [base.folder for base in backups.bases()] == kept
    assert sorted(path.name for path in backups.wal.iterdir()) == archived[4:]


def test_an_existing_database_is_never_overwritten(environment: Environment, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    (folder / "postgres").mkdir(parents=True)
    backups = BackupFolder(tmp_path / "backups")
    base_of(backups, "20261120T000000Z", "000000010000000000000002")
    result = oms(environment | {"OMS_BACKUP_DIR": str(backups.path), "OMS_DATA_DIR": str(folder)}, "restore")
    assert result.returncode == 1
    assert "has a database already" in result.stderr


def test_an_instant_before_the_oldest_backup_or_no_backup_at_all_is_refused(
    environment: Environment, tmp_path: Path
) -> None:
    anew = environment | {"OMS_DATA_DIR": str(tmp_path / "data"), "OMS_BACKUP_DIR": str(tmp_path / "backups")}
    assert "There is no backup" in oms(anew, "restore").stderr
    base_of(BackupFolder(tmp_path / "backups"), "20261120T000000Z", "000000010000000000000002")
    result = oms(anew, "restore", "--to", "2026-11-19T23:59:59Z")
    assert result.returncode == 1
    assert "The oldest backup" in result.stderr
    assert "2026-11-20T00:00:00Z" in result.stderr


def test_a_backup_without_a_folder_or_an_instance_reports_what_is_missing(
    environment: Environment, tmp_path: Path
) -> None:
    nothing_runs = environment | {"OMS_DATA_DIR": str(tmp_path / "data")}
    assert "No instance" in oms(nothing_runs, "backup").stderr
    assert "OMS_BACKUP_DIR is not set" in oms(nothing_runs, "restore").stderr


async def test_an_instance_without_an_archive_is_not_backed_up(
    start: Callable[..., Instance], environment: Environment, tmp_path: Path
) -> None:
    instance = start()
    await asyncio.to_thread(instance.wait_until_ready)
    result = oms(environment | {"OMS_BACKUP_DIR": str(tmp_path / "backups")}, "backup")
    assert result.returncode == 1
    assert "set OMS_BACKUP_DIR, then restart it" in result.stderr


def test_a_partly_removed_base_backup_does_not_count_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backups = BackupFolder(tmp_path / "backups")
    backups.prepare(None)
    base_of(backups, "20261120T000000Z", "000000010000000000000002")
    kept = base_of(backups, "20261121T000000Z", "000000010000000000000005")
    whole = shutil.rmtree

    def die_half_way(folder: Path, *, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            (folder / "backup_label").unlink()
            raise KeyboardInterrupt
        whole(folder, ignore_errors=ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", die_half_way)
    with pytest.raises(KeyboardInterrupt):
        backups.keep(1)
    monkeypatch.undo()
    assert [base.folder for base in backups.bases()] == [kept]
    backups.keep(1)
    assert [base.folder for base in backups.bases()] == [kept]
