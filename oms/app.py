"""The composition root of the web process: what is made once, how it hangs together, and in which order it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import strawberry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route, WebSocketRoute

from oms.db import Database
from oms.domain.access.model import Viewer
from oms.domain.repeats.handle import RepeatKey
from oms.doorbell import Doorbell
from oms.instance import located
from oms.schema.context import Context
from oms.schema.export import schema
from oms.settings import Settings, load_settings
from oms.web.api import Api
from oms.web.auth import Authenticator
from oms.web.doorbells import hear_doorbells
from oms.web.front import front_routes, refuse
from oms.web.graphql_http import HttpDoor
from oms.web.graphql_ws import WebSocketDoor
from oms.web.live import LiveHub
from oms.web.open_streams import OpenStreams
from oms.web.pages.routes import page_routes


def create_app() -> Starlette:
    """The application with the settings of the environment. Raises CannotStart where no engines are known."""
    return build_app(located(load_settings()), schema)


def build_app(settings: Settings, schema: strawberry.Schema) -> Starlette:
    """The application on located settings. `app.state.streams` holds what a server must end before it can stop."""
    database_url, redis_url = settings.database_url, settings.redis_url
    if database_url is None or redis_url is None:
        raise ValueError("the settings must be located")
    doorbell = Doorbell(redis_url)
    db = Database(database_url, pool_size=settings.database_pool_size, ring=doorbell.ring)
    hub = LiveHub(db)
    streams = OpenStreams()

    def new_context(viewer: Viewer, repeat: RepeatKey | None) -> Context:
        return Context(db=db, viewer=viewer, live=hub, currency=settings.currency, repeat=repeat)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(hub.follow()),
            asyncio.create_task(hear_doorbells(redis_url, hub.ring, missed=hub.reread)),
        ]
        try:
            yield
        finally:
            await streams.end_all()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await doorbell.close()
            await db.close()

    api = Api(schema, Authenticator(db), new_context)
    app = Starlette(
        routes=[
            Route("/graphql", HttpDoor(api, streams)),
            WebSocketRoute("/graphql", WebSocketDoor(api, streams)),
            *front_routes(db),
            *page_routes(api, db, hub, streams, demo=settings.demo),
        ],
        exception_handlers={HTTPException: refuse, Exception: refuse},
        lifespan=lifespan,
    )
    app.state.streams = streams
    app.state.hub = hub
    return app
