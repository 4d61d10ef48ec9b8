"""Tokens expire by default, are rotated with overlap, and whoever runs the shop is told in time."""

import re
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from oms.domain.access.secret import digest_of
from oms.domain.identity import account_commands as accounts
from oms.domain.tokens import commands as tokens
from oms.domain.tokens.commands import issue_token, rotate_token
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.errors import Refused
from oms.tools.doctor.health import check_health
from tests.domain.identity.conftest import Run
from tests.shop import ShopUnderTest

HOUR = timedelta(hours=1)


async def issued(shop: ShopUnderTest, days: int | None = 90) -> tuple[str, UUID]:
    async with shop.db.transaction() as tx:
        token = await issue_token(tx, role=Role.SERVICE, name="cart", customer_reference=None, days=days)
    [(token_id,)] = await shop.rows("SELECT id FROM access_tokens ORDER BY created_at DESC LIMIT 1")
    return token, token_id


async def rotated(shop: ShopUnderTest, token_id: UUID, overlap: timedelta = HOUR) -> str:
    async with shop.db.transaction() as tx:
        return (await rotate_token(tx, token_id, days=90, overlap=overlap))[0]


async def works(shop: ShopUnderTest, token: str) -> bool:
    viewer = await tokens.viewer_of(shop.db, digest_of(token))
    assert (viewer is not None) == (digest_of(token) in await tokens.still_valid(shop.db, [digest_of(token)]))
    return viewer is not None


async def test_both_secrets_work_until_the_overlap_ends(shop: ShopUnderTest) -> None:
    old, token_id = await issued(shop)
    new = await rotated(shop, token_id)
    before, after = [await tokens.viewer_of(shop.db, digest_of(each)) for each in (old, new)]
    assert before == after, "the caller stays the same"
    await shop.execute("UPDATE access_tokens SET previous_until = clock_timestamp()")
    assert [await works(shop, each) for each in (old, new)] == [False, True]


async def test_without_overlap_the_old_secret_ends_at_once(shop: ShopUnderTest) -> None:
    old, token_id = await issued(shop)
    newer = await rotated(shop, token_id)
    with pytest.raises(Refused, match="works until"):
        await rotated(shop, token_id)
    newest = await rotated(shop, token_id, timedelta(0))
    assert [await works(shop, each) for each in (old, newer, newest)] == [False, False, True]


async def test_a_rotation_begins_a_new_lifetime_and_prolongs_no_old_one(shop: ShopUnderTest) -> None:
    old, token_id = await issued(shop, days=1)
    await rotated(shop, token_id, timedelta(days=30))
    [(previous, expires)] = await shop.rows(
        "SELECT previous_until - clock_timestamp(), expires_at - clock_timestamp() FROM access_tokens"
    )
    assert timedelta(hours=23) < previous <= timedelta(days=1)
    assert expires > timedelta(days=89)
    assert await works(shop, old)


async def test_a_revoked_token_has_no_working_secret_and_is_not_rotated(shop: ShopUnderTest) -> None:
    old, token_id = await issued(shop)
    new = await rotated(shop, token_id)
    async with shop.db.transaction() as tx:
        await tokens.revoke_token(tx, token_id)
    assert [await works(shop, each) for each in (old, new)] == [False, False]
    with pytest.raises(Refused, match="expired or revoked"):
        await rotated(shop, token_id)


async def test_the_command_tells_when_it_expires(run: Run, shop: ShopUnderTest) -> None:
    default = run("token", "--role", "SERVICE", "--name", "cart")
    assert "It expires in 90 days" in default.stderr
    never = run("token", "--role", "SERVICE", "--name", "cart", "--days", "0")
    assert "It never expires" in never.stderr
    days = "SELECT round(extract(epoch FROM expires_at - created_at) / 86400) FROM access_tokens ORDER BY created_at"
    assert await shop.rows(days) == [(90,), (None,)]
    [(token_id,), _] = await shop.rows("SELECT id FROM access_tokens ORDER BY created_at")
    rotation = run("token", "rotate", str(token_id), "--overlap-hours", "2")
    assert re.fullmatch(r"oms_[\w-]{43}\n", rotation.stdout)
    assert re.search(r"The old secret works until \d{4}-\d\d-\d\dT", rotation.stderr)
    assert [await works(shop, each.stdout.strip()) for each in (default, rotation)] == [True, True]
    assert "has ended" in run("token", "rotate", str(token_id), "--overlap-hours", "0").stderr


async def test_the_doctor_tells_of_tokens_about_to_expire(shop: ShopUnderTest, redis_url: str) -> None:
    await issued(shop, days=90)
    await issued(shop, days=7)  # meant to end
    assert await tokens.expiring_soon(shop.db) == []
    _, token_id = await issued(shop, days=90)
    await shop.execute(
        "UPDATE access_tokens SET expires_at = clock_timestamp() + interval '13 days',"
        " created_at = created_at - interval '77 days' WHERE id = :id",
        id=token_id,
    )
    [finding] = [each for each in await check_health(shop.db, redis_url, Path("/")) if each.name == "Access tokens"]
    assert not finding.is_healthy
    assert f"cart ({token_id})" in finding.state
    await rotated(shop, token_id)
    assert await tokens.expiring_soon(shop.db) == []


async def test_an_account_becomes_provider_only(run: Run, shop: ShopUnderTest) -> None:
    secret = "four wet penguins juggle"
    run("user", "add", "ana", "--role", "SUPPORT", "--name", "Ana", "--password-stdin", typed=secret)
    refused = run("user", "provider-only", "ana")
    assert (refused.returncode, "sign in at the provider once" in refused.stderr) == (1, True)
    await shop.execute("UPDATE accounts SET openid_issuer = 'https://id.example', openid_subject = 'ana'")
    assert await accounts.sign_in(shop.db, "ana", secret)
    assert run("user", "provider-only", "ana").returncode == 0
    assert await accounts.sign_in(shop.db, "ana", secret) is None
    assert re.search(r"^signs in by +OpenID Connect$", run("user", "show", "ana").stdout, re.MULTILINE)
