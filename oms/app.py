"""The composition root of the web process: what is made once, how it hangs together, and in which order it ends."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import strawberry
import structlog
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute

from oms.domain.access.permissions import Viewer
from oms.domain.audit.refusals import RefusalRecorder
from oms.domain.idempotency.batcher import Rounds
from oms.domain.idempotency.keys import RepeatKey
from oms.domain.identity.sessions import SessionRules
from oms.platform.db import Database
from oms.platform.notifications import Doorbell
from oms.platform.settings import Settings, load_settings
from oms.schema.runtime.context import Context
from oms.schema.schema import schema
from oms.tools.dev_services.instance import located
from oms.web.auth.authenticator import Authenticator
from oms.web.graphql.api import Api
from oms.web.graphql.http import HttpDoor
from oms.web.graphql.websocket import WebSocketDoor
from oms.web.live.hub import LiveHub
from oms.web.live.listener import hear_doorbells
from oms.web.live.open_streams import OpenStreams
from oms.web.pages.routes import page_routes
from oms.web.server.asgi import Front, front_routes
from oms.web.server.metrics import MetricsDoor, OwnFigures
from oms.web.server.rates import Rates
from oms.web.server.shared_counts import SharedCounts

if TYPE_CHECKING:
    from oms.web.auth.identity_provider import IdentityProvider

log = structlog.get_logger(__name__)


def create_app() -> Starlette:
    """The application with the settings of the environment. Raises CannotStart where no engines are known."""
    return build_app(located(load_settings()), schema)


def build_app(settings: Settings, schema: strawberry.Schema) -> Starlette:
    """The application on located settings. `app.state.streams` holds what a server must end before it can stop."""
    database_url, redis_url = settings.database_url, settings.redis_url
    if database_url is None or redis_url is None:
        raise ValueError("the settings must be located")
    doorbell = Doorbell(redis_url)
    db = Database(
        database_url,
        pool_size=settings.database_pool_size,
        ring=doorbell.ring,
        timeout_s=settings.database_timeout_s,
    )
    rounds = Rounds.over(db)
    hub = LiveHub(db)
    streams = OpenStreams()
    refusals = RefusalRecorder(db)
    rules = session_rules(settings)
    figures = OwnFigures(streams)
    counts = SharedCounts(redis_url)
    rates = Rates(settings, counts)
    provider = identity_provider(settings)

    def new_context(viewer: Viewer, repeat: RepeatKey | None) -> Context:
        return Context(
            db=db,
            rounds=rounds,
            viewer=viewer,
            live=hub,
            currency=settings.currency,
            repeat=repeat,
            demo=settings.demo,
            session_rules=rules,
            breached=settings.breached_passwords_file,
            on_refusal=refusals.add,
            before_password=rates.password,
            before_execution=rates.cost,
        )

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as ending:  # what was entered last ends first
            for close in (db.close, counts.close, doorbell.close, *([provider.close] if provider else [])):
                ending.push_async_callback(close)
            ending.push_async_callback(refusals.write, all_of_them=True)
            await ending.enter_async_context(
                in_background(
                    hub.follow(),
                    refusals.run(),
                    streams.end_revoked(api.authenticator),
                    hear_doorbells(redis_url, hub.ring, missed=hub.reread),
                )
            )
            ending.push_async_callback(streams.end_all)
            yield

    api = Api(schema, Authenticator(db, rules), new_context, rates)
    http_door, socket_door = HttpDoor(api, streams, demo=settings.demo), WebSocketDoor(api, streams)
    app = Front(
        settings,
        figures,
        shortcuts={("http", "/graphql"): http_door, ("websocket", "/graphql"): socket_door},
        routes=[
            Route("/graphql", http_door),
            WebSocketRoute("/graphql", socket_door),
            *front_routes(db),
            Route("/metrics", MetricsDoor(db, api, figures).scrape),
            *page_routes(api, db, hub, streams, provider, demo=settings.demo, on_refusal=refusals.add),
        ],
        lifespan=lifespan,
    )
    app.state.streams = streams
    app.state.hub = hub
    app.state.rates = rates
    return app


@asynccontextmanager
async def in_background(*ways: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Each goes on as long as the block does. That one ends before is a fault of ours, and is told at once."""
    tasks = [asyncio.create_task(way) for way in ways]
    for task in tasks:
        task.add_done_callback(_tell_if_it_failed)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _tell_if_it_failed(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        log.critical("What goes on in the background has ended", task=repr(task), exc_info=task.exception())


def session_rules(settings: Settings) -> SessionRules:
    return SessionRules(
        idle_timeout=timedelta(seconds=settings.session_idle_s),
        max_lifetime=timedelta(days=settings.session_days),
        demo=settings.demo,
    )


def identity_provider(settings: Settings) -> "IdentityProvider | None":
    """The provider of OpenID Connect at which people may sign in; None where none is set."""
    if settings.openid_issuer is None or settings.openid_client_id is None:
        return None

    from oms.web.auth.identity_provider import IdentityProvider  # noqa: PLC0415 - 4 MB with what it needs

    secret = settings.openid_client_secret
    return IdentityProvider(
        settings.openid_issuer,
        client_id=settings.openid_client_id,
        client_secret=secret.get_secret_value() if secret else None,
        name=settings.openid_name,
        demo=settings.demo,
    )
