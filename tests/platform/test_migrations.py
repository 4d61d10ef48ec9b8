"""Migrations create exactly the tables of the code, in one sequence, each with a date."""

import re
import socketserver
import threading
from collections.abc import Callable

import pytest
from alembic import command
from alembic.script import ScriptDirectory

from oms.platform.grants import APP_ROLE
from oms.platform.migrations import migrate, migration_config, require_migrated, require_ready, without_password
from oms.platform.settings import CannotStart
from oms.tools.dev_services.embedded import Engines
from tests.owner import owner_of


def test_the_migrations_create_the_tables_of_the_code(database_url: str) -> None:
    command.check(migration_config(owner_of(database_url)))


def test_migrating_twice_changes_nothing(database_url: str) -> None:
    migrate(owner_of(database_url))
    require_migrated(database_url)


def test_there_is_one_sequence_of_dated_migrations() -> None:
    scripts = ScriptDirectory.from_config(migration_config("postgresql+asyncpg://unused"))
    assert len(scripts.get_heads()) == 1
    names = [script.path.rsplit("/", 1)[-1] for script in scripts.walk_revisions()]
    assert [name for name in names if not re.fullmatch(r"\d{8}_\d{4}_\w+\.py", name)] == []


def test_a_database_without_migrations_is_refused_with_the_command_to_run(engines: Engines) -> None:
    empty = engines.owner_url.rsplit("/", 1)[0] + "/postgres"
    with pytest.raises(CannotStart, match=r"serves the versions: none.*\n.*run: python -m oms migrate"):
        require_migrated(empty)


def test_an_unreachable_database_is_named_without_its_password() -> None:
    with pytest.raises(CannotStart) as refusal:
        require_migrated("postgresql+asyncpg://oms:secret@127.0.0.1:1/oms")
    assert "127.0.0.1:1/oms cannot be reached" in str(refusal.value)
    assert "secret" not in str(refusal.value)


def test_a_wrong_password_is_reported_as_such(engines: Engines) -> None:
    guessed = engines.database_url.replace(engines.folder.password(APP_ROLE), "guessed")
    with pytest.raises(CannotStart, match="password authentication failed"):
        require_migrated(guessed)


def message(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4, "big") + body


GREETING = b"".join([
    message(b"R", bytes(4)),  # authenticated
    message(b"S", b"server_version\x0017.6\x00"),
    message(b"S", b"client_encoding\x00UTF8\x00"),
    message(b"K", bytes(8)),
    message(b"Z", b"I"),
])  # fmt: skip
"""The start of a session with PostgreSQL 17, without authentication."""


class OlderServer(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while (asked := self.request.recv(4096)) and not asked.startswith(b"X"):
            is_for_tls = asked[4:8] == (80877103).to_bytes(4, "big")
            self.request.sendall(b"N" if is_for_tls else GREETING)


@pytest.mark.parametrize("use", [require_migrated, require_ready, migrate])
def test_an_older_server_is_refused_with_the_required_version(use: Callable[[str], None]) -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), OlderServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"postgresql+asyncpg://oms:secret@127.0.0.1:{server.server_address[1]}/oms"
        with pytest.raises(CannotStart, match=r"is PostgreSQL 17; it must be 18 or newer"):
            use(url)
        server.shutdown()


def test_a_url_is_shown_without_its_password() -> None:
    assert without_password("postgresql+asyncpg://oms:secret@host/oms") == "postgresql://oms:***@host/oms"
