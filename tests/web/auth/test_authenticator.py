"""Bearer tokens over HTTP: refused with 401 in GraphQL's form, and revoked within seconds."""

import asyncio

import httpx
import pytest
from sqlalchemy import text

from oms.domain.access.permissions import Viewer
from oms.domain.tokens import commands as access
from oms.platform.db import Database
from oms.web.auth import authenticator as auth
from oms.web.auth.authenticator import Authenticator, Unauthenticated
from tests.shop import SESSION_RULES
from tests.web.conftest import Server, issued

QUERY = {"query": "{ viewer }"}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("accept", ["*/*", "text/event-stream"])
async def test_a_request_without_credentials_gets_401(server: Server, method: str, accept: str) -> None:
    async with httpx.AsyncClient(headers={"Accept": accept}) as client:
        response = await client.request(method, server.graphql)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="oms"'
    assert response.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_a_refusal_has_a_media_type_that_the_client_accepts(server: Server, accept: str) -> None:
    async with httpx.AsyncClient(headers={"Accept": accept}) as client:
        response = await client.post(server.graphql, json=QUERY)
    assert response.headers["content-type"] == f"{accept}; charset=utf-8"


@pytest.mark.parametrize(
    "credentials",
    ["Bearer", "Bearer nobodys", "Basic dTpw", "nobodys", f"Bearer {'x' * 600}", "Bearer \x80\xff", "Bearer a b"],
)
async def test_a_request_with_invalid_credentials_gets_401(server: Server, credentials: str) -> None:
    async with httpx.AsyncClient() as client:
        headers = {b"Authorization": credentials.encode("latin-1")}
        response = await client.post(server.graphql, json=QUERY, headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="oms", error="invalid_token"'
    assert response.json()["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}


async def test_the_scheme_is_case_insensitive(server: Server, token: str) -> None:
    async with httpx.AsyncClient() as client:
        response = await client.post(server.graphql, json=QUERY, headers={"Authorization": f"bearer  {token}"})
    assert response.json() == {"data": {"viewer": "tester SUPPORT"}}


class _Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


async def _revoke(db: Database, name: str) -> None:
    async with db.transaction() as tx:
        await tx.conn.execute(
            text("UPDATE access_tokens SET revoked_at = clock_timestamp() WHERE name = :name"), {"name": name}
        )


async def test_a_revoked_token_is_refused_within_seconds(db: Database) -> None:
    clock = _Clock()
    authenticator = Authenticator(db, SESSION_RULES, clock=clock)
    credentials = f"Bearer {await issued(db, 'to be revoked')}"
    assert (await authenticator.viewer(credentials)).name == "to be revoked"
    await _revoke(db, "to be revoked")
    clock.now_s += auth.VALID_CACHE_S - 0.1
    await authenticator.viewer(credentials)
    clock.now_s += 0.2
    with pytest.raises(Unauthenticated):
        await authenticator.viewer(credentials)


async def test_an_unknown_token_is_looked_up_again_after_a_second(db: Database) -> None:
    clock = _Clock()
    authenticator = Authenticator(db, SESSION_RULES, clock=clock)
    token = await issued(db, "came late")
    async with db.transaction() as tx:
        await tx.conn.execute(text("UPDATE access_tokens SET expires_at = '2000-01-01' WHERE name = 'came late'"))
    with pytest.raises(Unauthenticated):
        await authenticator.viewer(f"Bearer {token}")
    async with db.transaction() as tx:
        await tx.conn.execute(text("UPDATE access_tokens SET expires_at = NULL WHERE name = 'came late'"))
    with pytest.raises(Unauthenticated):
        await authenticator.viewer(f"Bearer {token}")
    clock.now_s += auth.INVALID_CACHE_S
    assert (await authenticator.viewer(f"Bearer {token}")).name == "came late"


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The digests that are looked up."""
    digests: list[bytes] = []
    look_up = access.viewer_of

    async def note(db: Database, digest: bytes) -> Viewer | None:
        digests.append(digest)
        return await look_up(db, digest)

    monkeypatch.setattr(access, "viewer_of", note)
    return digests


async def test_concurrent_requests_share_one_look_up(db: Database, looked_up: list[bytes]) -> None:
    clock = _Clock()
    authenticator = Authenticator(db, SESSION_RULES, clock=clock)
    credentials = f"Bearer {await issued(db, 'busy')}"
    for times in (1, 2):
        viewers = await asyncio.gather(*(authenticator.viewer(credentials) for _ in range(20)))
        assert [viewer.name for viewer in viewers] == ["busy"] * 20
        assert len(looked_up) == times
        clock.now_s += auth.VALID_CACHE_S


async def test_a_cancelled_request_does_not_cancel_the_shared_look_up(db: Database, looked_up: list[bytes]) -> None:
    authenticator = Authenticator(db, SESSION_RULES)
    credentials = f"Bearer {await issued(db, 'impatient')}"
    first, second = (asyncio.create_task(authenticator.viewer(credentials)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).name == "impatient"
    assert first.cancelled()
    assert len(looked_up) == 1


async def test_a_result_invalidated_during_its_look_up_is_not_cached(db: Database, looked_up: list[bytes]) -> None:
    authenticator = Authenticator(db, SESSION_RULES)
    credentials = f"Bearer {await issued(db, 'just ended')}"
    before = asyncio.create_task(authenticator.viewer(credentials))
    await asyncio.sleep(0)
    authenticator.forget(credentials)
    await asyncio.gather(before, authenticator.viewer(credentials))
    assert len(looked_up) == 2


async def test_the_cache_is_bounded(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "_MAX_CACHED", 3)
    authenticator = Authenticator(db, SESSION_RULES)
    for number in range(10):
        with pytest.raises(Unauthenticated):
            await authenticator.viewer(f"Bearer guess-{number}")
    assert len(authenticator._cache) == 3
