"""When a session is valid and when it ends: by its timeouts, by signing out, or by a change of its account."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.access.secret import digest_of
from oms.domain.audit.model import OPERATOR
from oms.domain.identity import account_commands as accounts
from oms.domain.identity import passwords, session_store
from oms.domain.identity import session_commands as sessions
from oms.domain.identity.accounts import Account, NewAccount
from oms.domain.identity.sessions import SEEN_EVERY
from oms.domain.identity.signing_in import personas
from oms.domain.vocabulary.actor import Role
from oms.platform.db import Tx
from oms.web.auth.authenticator import Authenticator, Unauthenticated
from oms.web.auth.credentials import SessionSecret
from tests.shop import SESSION_RULES as RULES
from tests.shop import ShopUnderTest

PASSWORD = "four wet penguins juggle"


@pytest.fixture
async def ana(shop: ShopUnderTest) -> Account:
    async with shop.db.transaction() as tx:
        return await accounts.add(
            tx, OPERATOR, NewAccount("ana", "Ana", Role.SUPPORT), await passwords.hashed(PASSWORD)
        )


async def started(shop: ShopUnderTest, account: Account) -> str:
    async with shop.db.transaction() as tx:
        secret = await sessions.start(tx, account, RULES, by="password")
    assert secret
    return secret


async def viewer(shop: ShopUnderTest, secret: str) -> Viewer | None:
    session = await sessions.find(shop.db, digest_of(secret), RULES)
    return session.viewer if session else None


async def test_a_session_identifies_its_account(shop: ShopUnderTest, ana: Account) -> None:
    found = await viewer(shop, await started(shop, ana))
    assert found
    assert (found.name, found.role, found.principal) == ("Ana", Role.SUPPORT, f"account:{ana.id}")
    assert found.session_id
    assert await viewer(shop, "guessed") is None


async def test_only_the_hash_of_the_secret_is_stored(shop: ShopUnderTest, ana: Account) -> None:
    secret = await started(shop, ana)
    [row] = await shop.rows("SELECT * FROM sessions")
    assert hashlib.sha256(secret.encode()).digest() in row
    assert secret not in repr(row)
    assert len(secret) == 43  # 256 bits
    assert len({await started(shop, ana) for _ in range(20)}) == 20


@pytest.mark.parametrize(
    ("change", "is_valid"),
    [
        ("last_seen_at = clock_timestamp() - interval '7 h 59 min'", True),
        ("last_seen_at = clock_timestamp() - interval '8 h 1 min'", False),
        ("expires_at = clock_timestamp() + interval '1 min'", True),
        ("expires_at = clock_timestamp() - interval '1 s'", False),
    ],
)
async def test_a_session_ends_after_its_idle_timeout_and_at_its_maximum_age(
    shop: ShopUnderTest, ana: Account, change: str, is_valid: bool
) -> None:
    secret = await started(shop, ana)
    await shop.execute(f"UPDATE sessions SET {change}")
    assert (await viewer(shop, secret) is not None) == is_valid
    assert len(await sessions.of_viewer(shop.db, ana.viewer, RULES)) == is_valid
    assert await sessions.still_valid(shop.db, [digest_of(secret)], RULES) == (
        {digest_of(secret)} if is_valid else set()
    )


async def test_use_extends_the_idle_timeout_but_not_the_maximum_age(shop: ShopUnderTest, ana: Account) -> None:
    secret = await started(shop, ana)
    await shop.execute("UPDATE sessions SET last_seen_at = last_seen_at - interval '7 h'")
    [before] = await shop.rows("SELECT last_seen_at, expires_at FROM sessions")
    await sessions.mark_seen(shop.db, digest_of(secret))
    [after] = await shop.rows("SELECT last_seen_at, expires_at FROM sessions")
    assert after[0] - before[0] > timedelta(hours=6, minutes=59)
    assert after[1] == before[1]


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


async def test_use_is_written_once_a_minute_and_automatic_refreshes_do_not_count(
    shop: ShopUnderTest, ana: Account
) -> None:
    clock, shown = Clock(), SessionSecret(await started(shop, ana))
    authenticator = Authenticator(shop.db, RULES, clock=clock)
    seen = "SELECT last_seen_at FROM sessions"

    async def written(*, is_activity: bool) -> bool:
        """Whether a request updates the last use, which was an hour ago."""
        await shop.execute("UPDATE sessions SET last_seen_at = created_at - interval '1 h'")
        before = await shop.rows(seen)
        await authenticator.viewer(shown, is_activity=is_activity)
        return await shop.rows(seen) != before

    await authenticator.viewer(shown)
    assert not await written(is_activity=True)  # it was started just now
    clock.now_s += SEEN_EVERY.total_seconds() + 1
    assert not await written(is_activity=False)
    assert await written(is_activity=True)
    assert not await written(is_activity=True)
    clock.now_s += SEEN_EVERY.total_seconds() / 2
    await authenticator.viewer(shown)
    assert await written(is_activity=True)  # it was looked up again: unused for an hour


async def test_signing_out_ends_one_session(shop: ShopUnderTest, ana: Account) -> None:
    one, other = await started(shop, ana), await started(shop, ana)
    async with shop.db.transaction() as tx:
        await sessions.end(tx, one)
        await sessions.end(tx, "guessed")
    assert await viewer(shop, one) is None
    assert await viewer(shop, other)


async def test_ending_all_others_leaves_this_session_and_those_of_other_accounts(
    shop: ShopUnderTest, ana: Account
) -> None:
    async with shop.db.transaction() as tx:
        bo = await accounts.add(tx, OPERATOR, NewAccount("bo", "Bo", Role.MANAGER), "nobody's")
    here, there, bos = await started(shop, ana), await started(shop, ana), await started(shop, bo)
    caller = await viewer(shop, here)
    assert caller
    async with shop.db.transaction() as tx:
        await sessions.end_others(tx, caller)
    assert [await viewer(shop, each) is not None for each in (here, there, bos)] == [True, False, True]


CHANGES: dict[str, Callable[[Tx, Account], Awaitable[object]]] = {
    "password": lambda tx, account: accounts.set_password(tx, OPERATOR, account.id, "another hash"),
    "role": lambda tx, account: accounts.set_role(tx, OPERATOR, account.id, Role.MANAGER, None),
    "disabled": lambda tx, account: accounts.set_disabled(tx, OPERATOR, account.id, disabled=True),
    "sign-out": lambda tx, account: sessions.end_all(tx, OPERATOR, account),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_of_the_account_ends_all_its_sessions(shop: ShopUnderTest, ana: Account, change: str) -> None:
    secrets = [await started(shop, ana) for _ in range(3)]
    async with shop.db.transaction() as tx:
        await CHANGES[change](tx, ana)
    assert [await viewer(shop, secret) for secret in secrets] == [None] * 3
    assert len(await shop.rows("SELECT id FROM sessions WHERE ended_at IS NULL")) == 0


async def test_a_new_name_ends_no_session(shop: ShopUnderTest, ana: Account) -> None:
    secret = await started(shop, ana)
    async with shop.db.transaction() as tx:
        await accounts.rename(tx, OPERATOR, ana.id, "Ana Maria")
    found = await viewer(shop, secret)
    assert found
    assert found.name == "Ana Maria"


@pytest.mark.parametrize("change", ["password", "role", "disabled"])
async def test_a_password_verified_before_a_change_starts_no_session_after_it(
    shop: ShopUnderTest, ana: Account, change: str
) -> None:
    account_read_before = await accounts.sign_in(shop.db, "ana", PASSWORD)
    assert account_read_before
    async with shop.db.transaction() as tx:
        await CHANGES[change](tx, ana)
    async with shop.db.transaction() as tx:
        assert await sessions.start(tx, account_read_before, RULES, by="password") is None


async def test_concurrent_sign_ins_and_changes_leave_no_older_session(shop: ShopUnderTest, ana: Account) -> None:
    for _ in range(15):
        account_read_before = await accounts.of_login(shop.db, "ana")

        async def sign_in(account: Account = account_read_before) -> None:
            async with shop.db.transaction() as tx:
                await sessions.start(tx, account, RULES, by="password")

        async def change() -> None:
            async with shop.db.transaction() as tx:
                await accounts.set_password(tx, OPERATOR, ana.id, "another hash")

        await asyncio.gather(sign_in(), sign_in(), change(), sign_in())
        assert await shop.rows("SELECT id FROM sessions WHERE ended_at IS NULL") == []


async def test_a_personas_session_is_valid_in_demo_mode_only(shop: ShopUnderTest) -> None:
    async with shop.db.transaction() as tx:
        account = await personas.account_of(tx, "manager")
        assert await personas.account_of(tx, "manager") == account
    secret = digest_of(await started(shop, account))
    demo = replace(RULES, demo=True)
    assert await sessions.find(shop.db, secret, demo)
    assert await sessions.find(shop.db, secret, RULES) is None
    assert await sessions.still_valid(shop.db, [secret], RULES) == set()
    assert await accounts.sign_in(shop.db, account.login, "") is None


async def test_the_cache_keeps_sessions_and_tokens_apart(shop: ShopUnderTest, ana: Account) -> None:
    secret = await started(shop, ana)
    authenticator = Authenticator(shop.db, RULES)
    assert (await authenticator.viewer(SessionSecret(secret))).name == "Ana"
    with pytest.raises(Unauthenticated):
        await authenticator.viewer(f"Bearer {secret}")
    with pytest.raises(Unauthenticated):
        await authenticator.viewer(f"Session {secret}")


async def test_sessions_that_expired_long_ago_are_deleted(shop: ShopUnderTest, ana: Account) -> None:
    await started(shop, ana)
    await shop.execute("UPDATE sessions SET expires_at = expires_at - interval '32 days'")
    await started(shop, ana)
    async with shop.db.transaction() as tx:
        assert await session_store.delete_old(tx, limit=10) == 1
    assert len(await shop.rows("SELECT id FROM sessions")) == 1
