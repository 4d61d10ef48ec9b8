"""`python -m oms user` and `token` as an operator uses them: real processes and a real database."""

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from oms.domain.access.secret import digest_of
from oms.domain.identity import account_commands as accounts
from oms.domain.identity import session_commands as sessions
from oms.domain.tokens import commands as access
from tests.domain.identity.conftest import Run
from tests.shop import SESSION_RULES, ShopUnderTest

PASSWORD = "four wet penguins juggle"


ANA = ("user", "add", "ana", "--role", "SUPPORT", "--name", "Ana")


async def test_an_account_is_created_with_a_password_from_standard_input(run: Run, shop: ShopUnderTest) -> None:
    created = run(*ANA, "--password-stdin", typed=f"{PASSWORD}\n")
    assert (created.returncode, created.stdout) == (0, "Created: ana, SUPPORT.\n")
    assert await accounts.sign_in(shop.db, "ana", PASSWORD)
    assert await shop.rows("SELECT action, actor FROM audit_events WHERE action LIKE 'Account%'") == [
        ("AccountCreated", "operator")
    ]


async def test_a_generated_password_is_all_that_is_printed(run: Run, shop: ShopUnderTest) -> None:
    created = run(*ANA, "--generate")
    assert re.fullmatch(r"[\w-]{20}\n", created.stdout)
    assert await accounts.sign_in(shop.db, "ana", created.stdout.strip())
    other = run("user", "set-password", "ana", "--generate").stdout.strip()
    assert other != created.stdout.strip()
    assert await accounts.sign_in(shop.db, "ana", other)


async def test_a_password_cannot_be_an_argument(run: Run, shop: ShopUnderTest) -> None:
    assert run(*ANA, "--password", PASSWORD).returncode == 2
    assert run(*ANA, PASSWORD).returncode == 2


@pytest.mark.parametrize(
    ("arguments", "typed", "says"),
    [
        ([*ANA], "", "no terminal to prompt for the password: use --password-stdin or --generate"),
        ([*ANA, "--password-stdin", "--generate"], "x\n", "Choose one"),
        ([*ANA, "--password-stdin"], "password1234\n", "guessed soon"),
        ([*ANA, "--password-stdin"], "\n", "at least 12 characters"),
        (["user", "add", "a b", "--role", "SUPPORT", "--name", "x", "--generate"], "", "must be one word"),
        (["user", "add", "cart", "--role", "SERVICE", "--name", "x", "--generate"], "", "issue a token"),
        (["user", "add", "ana", "--role", "CUSTOMER", "--name", "x", "--generate"], "", "customer reference"),
        (["user", "disable", "nobody"], "", "no account with this login; see: user list"),
        (
            ["token", "--role", "SUPPORT", "--name", "x", "--scope", "FLY"],
            "",
            "Unknown permissions: FLY. Known: ACCEPT_",
        ),
        (["token", "--role", "COURIER", "--name", "x", "--scope", "SET_FRAUD"], "", "may not do this"),
        (["token", "revoke", "00000000-0000-0000-0000-000000000000"], "", "no such token"),
    ],
)
async def test_an_impossible_command_is_refused_with_what_to_do(
    run: Run, shop: ShopUnderTest, arguments: list[str], typed: str, says: str
) -> None:
    refused = run(*arguments, typed=typed)
    assert refused.returncode == 1, refused
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr
    assert refused.stdout == ""
    assert await shop.rows("SELECT id FROM accounts") == []
    assert await shop.rows("SELECT id FROM access_tokens") == []


async def test_a_breached_password_is_refused(run: Run, shop: ShopUnderTest, tmp_path: Path) -> None:
    breached = tmp_path / "breached"
    breached.write_text("6D1F42B0D4B5F0B2D6F0B3E8A1D4A1B6E1E7E8D4:1\n")
    settings = {"OMS_BREACHED_PASSWORDS_FILE": str(breached)}
    assert run(*ANA, "--password-stdin", typed=PASSWORD, **settings).returncode == 0
    breached.write_text(f"{hashlib.sha1(PASSWORD.encode()).hexdigest().upper()}:3\n")
    refused = run("user", "set-password", "ana", "--password-stdin", typed=PASSWORD, **settings)
    assert "known from a breach" in refused.stderr
    missing = run("user", "list", OMS_BREACHED_PASSWORDS_FILE="nowhere")
    assert missing.stderr.startswith("OMS_BREACHED_PASSWORDS_FILE")


async def test_every_change_does_what_it_says_and_ends_the_sessions(run: Run, shop: ShopUnderTest) -> None:
    run(*ANA, "--password-stdin", typed=PASSWORD)
    for command, role in (
        (("set-role", "ANA", "--role", "MANAGER"), "MANAGER"),
        (("disable", "ana"), "MANAGER"),
        (("enable", "ana"), "MANAGER"),
        (("sign-out", "ana"), "MANAGER"),
        (("set-password", "ana", "--generate"), "MANAGER"),
    ):
        account = await accounts.of_login(shop.db, "ana")
        async with shop.db.transaction() as tx:
            await sessions.start(tx, account, SESSION_RULES, by="password")
        done = run("user", *command)
        assert done.returncode == 0, done
        after = await accounts.of_login(shop.db, "ana")
        assert after.role == role
        assert (after.disabled_at is not None) == (command[0] == "disable")
        assert await shop.rows("SELECT id FROM sessions WHERE ended_at IS NULL") == []
    assert run("user", "rename", "ana", "Ana Maria").returncode == 0
    shown = run("user", "show", "ana").stdout
    assert re.search(r"^name +Ana Maria$", shown, re.MULTILINE)
    assert "argon2" not in shown


async def test_accounts_are_listed_in_pages(run: Run, shop: ShopUnderTest) -> None:
    await shop.execute(
        "INSERT INTO accounts (id, login, name, role, created_at, changed_at) SELECT gen_random_uuid(),"
        " 'a' || lpad(n::text, 3, '0'), 'A', 'COURIER', now(), now() FROM generate_series(1, 120) n"
    )
    first = run("user", "list")
    assert len(first.stdout.splitlines()) == 51
    assert "--after a050" in first.stderr
    second = run("user", "list", "--after", "a050").stdout.splitlines()
    assert second[1].startswith("a051")
    assert len(run("user", "list", "--all").stdout.splitlines()) == 121


async def test_two_processes_create_one_account(run: Run, shop: ShopUnderTest) -> None:
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda login: run("user", "add", login, *ANA[3:], "--generate"), ("ana", "ANA")))
    assert sorted(each.returncode for each in results) == [0, 1]
    assert "already" in "".join(each.stderr for each in results)
    assert len(await shop.rows("SELECT id FROM accounts")) == 1


async def test_a_token_is_listed_and_revoked_by_its_id(run: Run, shop: ShopUnderTest) -> None:
    issued = run("token", "--role", "service", "--name", "cart", "--scope", "place-order", "--scope", "READ_ORDERS")
    assert re.fullmatch(r"oms_[\w-]{43}\n", issued.stdout)
    token = issued.stdout.strip()
    viewer = await access.viewer_of(shop.db, digest_of(token))
    assert viewer
    assert {operation.name for operation in viewer.scope or ()} == {"PLACE_ORDER", "READ_ORDERS"}
    [heads, line] = run("token", "list").stdout.splitlines()
    assert heads.split() == ["ID", "NAME", "ROLE", "CUSTOMER", "WAREHOUSES", "SCOPE", "CREATED", "EXPIRES", "REVOKED"]
    token_id, name, role, _, _, scope, *_, revoked = line.split()
    assert (name, role, scope, revoked) == ("cart", "SERVICE", "PLACE_ORDER,READ_ORDERS", "–")
    assert f"token:{token_id}" == viewer.principal
    assert token not in line
    assert run("token", "revoke", token_id).returncode == 0
    assert await access.viewer_of(shop.db, digest_of(token)) is None
    assert not run("token", "list").stdout.rstrip().endswith("–")
    assert run("token", "revoke", token_id).returncode == 1


async def test_tokens_are_listed_in_pages_newest_first(run: Run, shop: ShopUnderTest) -> None:
    await shop.execute(
        "INSERT INTO access_tokens (hash, id, name, role, created_at) SELECT decode(lpad(n::text, 4, '0'), 'hex'),"
        " lpad(n::text, 32, '0')::uuid, 't' || n, 'SERVICE', now() FROM generate_series(1, 120) n"
    )
    first = run("token", "list")
    assert [line.split()[1] for line in first.stdout.splitlines()[1:]] == [f"t{n}" for n in range(120, 70, -1)]
    before = re.search(r"--before (\S+),", first.stderr)
    assert before
    assert run("token", "list", "--before", before[1]).stdout.splitlines()[1].split()[1] == "t70"
    assert len(run("token", "list", "--all").stdout.splitlines()) == 121
