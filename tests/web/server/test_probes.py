"""Health checks, which anybody may request, cost the database next to nothing."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import event
from starlette.applications import Starlette

from oms.platform.db import Database
from oms.web.server import asgi as front
from oms.web.server.asgi import probe_routes


@pytest.fixture
def asked(db: Database) -> Iterator[list[str]]:
    """The statements that the database receives."""
    sent: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    engine = db.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize(("kept_s", "times"), [(3600.0, 1), (0.0, 50)])
async def test_readiness_is_cached(
    db: Database, asked: list[str], monkeypatch: pytest.MonkeyPatch, kept_s: float, times: int
) -> None:
    monkeypatch.setattr(front, "READY_CACHE_S", kept_s)
    transport = httpx.ASGITransport(Starlette(routes=probe_routes(db)))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answers = await asyncio.gather(*(client.get("/ready") for _ in range(50)))
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, '{"status":"ready"}')}
    assert asked.count("SELECT 1") == times


async def test_readiness_follows_the_database(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "READY_CACHE_S", 0.0)
    transport = httpx.ASGITransport(Starlette(routes=probe_routes(db)))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        statuses = [(await client.get("/ready")).status_code]
        with monkeypatch.context() as cut:

            def away() -> None:
                raise ConnectionRefusedError

            cut.setattr(db, "reading", away)
            statuses.append((await client.get("/ready")).status_code)
        statuses.append((await client.get("/ready")).status_code)
    assert statuses == [200, 503, 200]
