"""Which passwords are accepted, and that a failed sign-in does not reveal whether an account exists."""

import asyncio
import hashlib
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from oms.domain.audit.model import OPERATOR
from oms.domain.identity import account_commands as accounts
from oms.domain.identity import passwords
from oms.domain.identity.accounts import Account, NewAccount
from oms.domain.identity.signing_in.breached import is_breached
from oms.domain.vocabulary.actor import Role
from oms.platform.db import Database
from tests.shop import ShopUnderTest

GOOD = "four wet penguins juggle"
ANA = NewAccount("ana.smith@example.com", "Ana Smith", Role.SUPPORT)


async def problems(password: str, breached: Path | None = None) -> str:
    return " ".join(problem.message for problem in await passwords.problems_of(password, ANA, breached))


async def test_a_few_words_in_a_row_are_accepted() -> None:
    assert await problems(GOOD) == ""


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("short", "at least 12 characters"),
        ("x" * 129, "at most 128 characters; this one has 129"),
        ("password1234", "guessed soon"),
        ("qwertyuiop123456", "guessed soon"),
        ("aaaaaaaaaaaaaaaa", "Repeats like"),
        ("ana.smith@example.com", "too little"),
        ("Ana Smith Ana Smith", "too little"),
        ("AnaSmith-2026!", "too little"),
        ("oms-orders-2026!", "too little"),
        (GOOD + "\0", "NUL"),
    ],
)
async def test_a_guessable_password_is_refused_with_advice(password: str, says: str) -> None:
    assert says in await problems(password)


@pytest.mark.parametrize(
    "password", ["correct1 horse2 staple3", "нет такого слова вовсе", "日本語のとても長い合言葉です"]
)
async def test_no_characters_are_required_or_forbidden(password: str) -> None:
    assert await problems(password) == ""


async def test_the_longest_password_is_hashed_whole() -> None:
    known = await passwords.hashed("x" * 127 + "y")
    assert (await passwords.verify(known, "x" * 127 + "y")).matches
    assert not (await passwords.verify(known, "x" * 127 + "z")).matches


def write_breached(file: Path, words: list[str], *, end: str = "\r\n") -> None:
    """In the format of the Pwned Passwords download."""
    digests = sorted(hashlib.sha1(word.encode()).hexdigest().upper() for word in words)
    file.write_bytes(end.join(f"{digest}:{number + 1}" for number, digest in enumerate(digests)).encode())


async def test_a_breached_password_is_refused(tmp_path: Path) -> None:
    write_breached(tmp_path / "breached", [GOOD, "another"])
    assert "breach" in await problems(GOOD, tmp_path / "breached")
    assert await problems(GOOD + " twice", tmp_path / "breached") == ""


@pytest.mark.parametrize("count", [0, 1, 2, 3, 500])
@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_every_line_of_the_file_is_found_and_nothing_else(tmp_path: Path, count: int, end: str) -> None:
    words = [f"word {number}" for number in range(count)]
    write_breached(tmp_path / "breached", words, end=end)
    assert [word for word in words if not is_breached(word, tmp_path / "breached")] == []
    assert [n for n in range(200) if is_breached(f"none {n}", tmp_path / "breached")] == []


async def add_account(shop: ShopUnderTest, password: str | None = GOOD) -> Account:
    password_hash = await passwords.hashed(password) if password else None
    async with shop.db.transaction() as tx:
        return await accounts.add(tx, OPERATOR, ANA, password_hash)


async def test_the_hash_is_argon2id_with_a_salt_of_its_own(shop: ShopUnderTest) -> None:
    await add_account(shop)
    [(stored,)] = await shop.rows("SELECT password_hash FROM accounts")
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await passwords.hashed(GOOD) != stored


@pytest.mark.parametrize("login", ["ana.smith@example.com", "Ana.Smith@Example.COM", " ANA.SMITH@example.com "])
async def test_case_and_spaces_of_a_login_make_no_difference(shop: ShopUnderTest, login: str) -> None:
    account = await add_account(shop)
    assert await accounts.sign_in(shop.db, login, GOOD) == account


@pytest.mark.parametrize("login", ["", " ", "\0", "ana\0", "\ud800", "x" * 100_000, "ana smith"])
async def test_an_impossible_login_has_no_account(shop: ShopUnderTest, login: str) -> None:
    await add_account(shop)
    assert await accounts.sign_in(shop.db, login, GOOD) is None


@pytest.mark.parametrize("password", ["", "wrong", GOOD.upper(), GOOD + " ", "\ud800", "x" * 100_000])
async def test_any_other_password_is_refused(shop: ShopUnderTest, password: str) -> None:
    await add_account(shop)
    assert await accounts.sign_in(shop.db, ANA.login, password) is None


class CountingHasher(PasswordHasher):
    """Counts the hashes that it verifies."""

    verified = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]  # noqa: A002 - argon2's name
        self.verified += 1
        return super().verify(hash, password)


@pytest.mark.parametrize("state", ["none", "wrong", "without password", "disabled"])
async def test_a_failed_sign_in_computes_one_hash_whether_or_not_the_account_exists(
    shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    hasher = CountingHasher()
    monkeypatch.setattr(passwords, "_hasher", hasher)
    if state != "none":
        account = await add_account(shop, None if state == "without password" else GOOD)
        async with shop.db.transaction() as tx:
            await accounts.set_disabled(tx, OPERATOR, account.id, disabled=state == "disabled")
    password = GOOD if state == "disabled" else "a wrong one"
    assert await accounts.sign_in(shop.db, ANA.login, password) is None
    assert hasher.verified == 1
    [(subject, before, after)] = await shop.rows(
        "SELECT subject, before, after FROM audit_events WHERE action = 'SignInFailed'"
    )
    assert (subject == "") == (state == "none")
    assert (before, after) == (None, None)


async def test_a_hash_with_older_parameters_is_replaced_at_the_next_sign_in(shop: ShopUnderTest) -> None:
    account = await add_account(shop)
    weak = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(GOOD)
    await shop.execute("UPDATE accounts SET password_hash = :weak", weak=weak)
    assert await accounts.sign_in(shop.db, ANA.login, GOOD) == account
    [(stored,)] = await shop.rows("SELECT password_hash FROM accounts")
    assert "m=65536,t=3,p=4" in stored
    assert await accounts.sign_in(shop.db, ANA.login, GOOD) == account


async def test_at_most_two_passwords_are_hashed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    in_progress, peak = 0, 0

    class Measured(PasswordHasher):
        def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
            nonlocal in_progress, peak
            in_progress += 1
            peak = max(peak, in_progress)
            try:
                return super().hash(password, salt=salt)
            finally:
                in_progress -= 1

    monkeypatch.setattr(passwords, "_hasher", Measured(memory_cost=8192))
    await asyncio.gather(*(passwords.hashed(str(number)) for number in range(12)))
    assert peak <= 2


async def test_concurrent_requests_for_one_login_create_one_account(shop: ShopUnderTest, database_url: str) -> None:
    other = Database(database_url, pool_size=2, notify=lambda _: None)

    async def add(database: Database, login: str) -> Account:
        async with database.transaction() as tx:
            return await accounts.add(tx, OPERATOR, NewAccount(login, "Ana", Role.SUPPORT))

    results = await asyncio.gather(
        *(add(database, login) for database in (shop.db, other) for login in ("ana", "ANA", "Ana")),
        return_exceptions=True,
    )
    await other.close()
    assert sum(isinstance(each, Account) for each in results) == 1
    assert await shop.rows("SELECT login FROM accounts") == [("ana",)]
    assert [str(each) for each in results if not isinstance(each, Account)] == [
        "There is an account with this login already; choose another."
    ] * 5
