"""The composition root of the web process: its parts, its routes, and the order in which it shuts down."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import strawberry
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp

from oms.domain.access.permissions import Viewer
from oms.domain.allocation.rules import HoldLimit
from oms.domain.approvals.rules import SecondPerson
from oms.domain.audit.reads import ReadRecorder
from oms.domain.audit.refusals import RefusalRecorder
from oms.domain.batched_commands import BatchedCommands
from oms.domain.idempotency.keys import IdempotencyKey
from oms.domain.identity.sessions import SessionRules
from oms.domain.placing.limits import PlacingLimits
from oms.domain.shop_settings.current import CurrentShop
from oms.domain.shop_settings.model import ProviderMode, Providers, Shop
from oms.domain.vocabulary.money import Amounts
from oms.platform.db import Database
from oms.platform.faults.lock_waits import LOCK_TIMEOUT_S
from oms.platform.notifications import Notifier
from oms.platform.settings import Settings
from oms.platform.tasks import CLOSE_S, Pulse, bounded, cancelled, supervised
from oms.providers.ports import QuotingSystem
from oms.providers.quoting import quoting
from oms.schema.runtime.context import Context
from oms.web.auth.authenticator import Authenticator
from oms.web.graphql.api import Api
from oms.web.graphql.http import HttpEndpoint
from oms.web.graphql.websocket import WebSocketEndpoint
from oms.web.live.hub import LiveHub
from oms.web.live.listener import SILENT_S, listen_for_notifications
from oms.web.live.open_streams import OpenStreams
from oms.web.pages.account.error_pages import ErrorPages
from oms.web.pages.account.session import Sessions
from oms.web.pages.navigation import navigation
from oms.web.pages.rendering.site import Site
from oms.web.pages.routes import page_routes
from oms.web.server.asgi import Application, probe_routes
from oms.web.server.connections.malformed import MalformedRequests
from oms.web.server.connections.unread import UnreadAnswers
from oms.web.server.metrics import MetricsEndpoint, ProcessMetrics
from oms.web.server.rate_limits import RateLimits
from oms.web.server.security_txt import security_txt_routes
from oms.web.server.shared_counters import SharedCounters

if TYPE_CHECKING:
    from oms.web.auth.identity_provider import IdentityProvider

SHOP_NAME: Final = "OMS"

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def build_app(settings: Settings, schema: strawberry.Schema) -> Starlette:
    """The application. Its `state` is for the server: `streams` are ended before it stops, `malformed` and `unread` are
    what its connections share.

    Raises ValueError without the URLs of the database and of Redis.
    """
    parts = Parts.of(settings)
    authenticator = Authenticator(
        parts.db, parts.session_rules, couriers_see_ended_days=settings.courier_sees_ended_days
    )
    api = Api(schema, authenticator, partial(new_context, parts), parts.rate_limits, parts.shop)
    endpoints = graphql_endpoints(parts, api)
    site = Site(api, navigation=navigation, demo=settings.demo, undo_s=settings.courier_undo_s)
    app = Application(
        settings,
        parts.metrics,
        shortcuts=endpoints,
        error_page=ErrorPages(site, Sessions(parts.db, api)),
        routes=routes(parts, api, site, endpoints),
        lifespan=lifespan(parts, api.authenticator),
    )
    app.state.streams = parts.streams
    app.state.rate_limits = parts.rate_limits
    app.state.malformed = MalformedRequests(parts.metrics.registry)
    app.state.unread = UnreadAnswers()
    return app


@dataclass(frozen=True, slots=True)
class Parts:
    """What one web process has one of."""

    settings: Settings
    redis_url: str
    notifier: Notifier
    db: Database
    batched: BatchedCommands
    hub: LiveHub
    streams: OpenStreams
    refusals: RefusalRecorder
    personal_reads: ReadRecorder
    session_rules: SessionRules
    listening: Pulse
    metrics: ProcessMetrics
    counters: SharedCounters
    rate_limits: RateLimits
    provider: "IdentityProvider | None"
    quotes: QuotingSystem
    shop: CurrentShop

    @classmethod
    def of(cls, settings: Settings) -> "Parts":
        if settings.database_url is None or settings.redis_url is None:
            raise ValueError("the settings name no database or no Redis")
        notifier = Notifier(settings.redis_url)
        db = Database(
            settings.database_url,
            pool_size=settings.database_pool_size,
            notify=notifier.notify,
            timeout_s=settings.database_timeout_s,
            lock_timeout_s=LOCK_TIMEOUT_S,
        )
        streams, counters, listening = OpenStreams(), SharedCounters(settings.redis_url), Pulse(SILENT_S)
        return cls(
            settings=settings,
            redis_url=settings.redis_url,
            notifier=notifier,
            db=db,
            batched=BatchedCommands.over(db, placing_limits(settings)),
            hub=LiveHub(db),
            streams=streams,
            refusals=RefusalRecorder(db),
            personal_reads=ReadRecorder(db, share=settings.audit_reads_share),
            session_rules=session_rules(settings),
            listening=listening,
            metrics=ProcessMetrics(streams, listening),
            counters=counters,
            rate_limits=RateLimits(settings, counters),
            provider=identity_provider(settings),
            quotes=quoting(settings),
            shop=CurrentShop(db, default_shop(settings)),
        )


def new_context(parts: Parts, viewer: Viewer, repeat: IdempotencyKey | None) -> Context:
    """The context of one GraphQL operation."""
    return Context(
        db=parts.db,
        batched=parts.batched,
        default_payment_method=parts.settings.default_payment_method,
        viewer=viewer,
        live=parts.hub,
        shop=parts.shop,
        providers=described_providers(parts.settings),
        repeat=repeat,
        demo=parts.settings.demo,
        session_rules=parts.session_rules,
        quotes=parts.quotes,
        hold=HoldLimit(parts.settings.customer_unpaid_units, of_services=parts.settings.hold_service_orders),
        breached=parts.settings.breached_passwords_file,
        compiled_queries=parts.settings.compiled_queries,
        placing_limits=placing_limits(parts.settings),
        delivery_attempts=parts.settings.delivery_attempts,
        second_person=second_person(parts.settings),
        on_refusal=parts.refusals.add,
        on_personal_read=parts.personal_reads.add,
        before_password=parts.rate_limits.count_password,
        before_placing=parts.rate_limits.count_placing,
        before_failing=parts.rate_limits.count_failure,
        before_execution=parts.rate_limits.count_cost,
    )


Endpoints = dict[tuple[str, str], ASGIApp]


def graphql_endpoints(parts: Parts, api: Api) -> Endpoints:
    return {
        ("http", "/graphql"): HttpEndpoint(api, parts.streams, demo=parts.settings.demo),
        ("websocket", "/graphql"): WebSocketEndpoint(api, parts.streams),
    }


def routes(parts: Parts, api: Api, site: Site, endpoints: Endpoints) -> list[BaseRoute]:
    return [
        Route("/graphql", endpoints["http", "/graphql"]),
        WebSocketRoute("/graphql", endpoints["websocket", "/graphql"]),
        *probe_routes(parts.db),
        *security_txt_routes(parts.settings),
        Route("/metrics", MetricsEndpoint(parts.db, api.admit, parts.metrics).scrape),
        *page_routes(
            api,
            parts.db,
            parts.hub,
            parts.streams,
            parts.provider,
            site=site,
            hosts=parts.settings.allowed_hosts,
            on_refusal=parts.refusals.add,
        ),
    ]


def lifespan(parts: Parts, authenticator: Authenticator) -> Lifespan:
    """Runs the background tasks while the application serves, then closes what is open, in reverse order."""

    @asynccontextmanager
    async def run(_app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for part in (parts.db, parts.counters, parts.notifier, parts.provider):
                if part is not None:
                    stack.push_async_callback(bounded, type(part).__name__, part.close, limit_s=CLOSE_S)
            stack.push_async_callback(bounded, "prices", parts.quotes.aclose, limit_s=CLOSE_S)
            for recorder in (parts.refusals, parts.personal_reads):
                write = partial(recorder.write, all_of_them=True)
                stack.push_async_callback(bounded, type(recorder).__name__, write, limit_s=CLOSE_S)
            await parts.shop.begin()
            await stack.enter_async_context(
                in_background(
                    supervised("live changes", parts.hub.follow),
                    supervised("settings of the shop", parts.shop.follow),
                    supervised("refusals", parts.refusals.run),
                    supervised("reads of personal data", parts.personal_reads.run),
                    supervised("revocations", partial(parts.streams.end_revoked, authenticator)),
                    supervised("notifications", partial(listen, parts), parts.listening),
                )
            )
            stack.push_async_callback(parts.streams.end_all)
            yield

    return run


@asynccontextmanager
async def in_background(*tasks: asyncio.Task[None]) -> AsyncIterator[None]:
    """Cancels them when the block ends."""
    try:
        yield
    finally:
        await cancelled(tasks)


async def listen(parts: Parts) -> None:
    """Hears notifications until cancelled."""
    await listen_for_notifications(
        parts.redis_url, parts.hub.notify, missed=parts.hub.reread, heard=parts.listening.beat
    )


def session_rules(settings: Settings) -> SessionRules:
    return SessionRules(
        idle_timeout=timedelta(seconds=settings.session_idle_s),
        max_lifetime=timedelta(days=settings.session_days),
        demo=settings.demo,
        device_lifetime=timedelta(days=settings.known_device_days),
    )


def default_shop(settings: Settings) -> Shop:
    """What holds where managers have chosen nothing."""
    return Shop(
        name=SHOP_NAME,
        time_zone=None,
        currency=settings.currency,
        answer_within=timedelta(seconds=settings.amendment_timeout_s),
    )


def described_providers(settings: Settings) -> Providers:
    """The service's host, never its whole URL, which may hold a password."""
    if settings.providers_url:
        return Providers(ProviderMode.SERVICE, urlsplit(settings.providers_url).hostname)
    return Providers(
        ProviderMode.SANDBOX,
        default_tax_bps=settings.sandbox_tax_bps,
        shipping_base_minor=settings.sandbox_shipping_base_minor,
        shipping_per_unit_minor=settings.sandbox_shipping_per_unit_minor,
    )


def placing_limits(settings: Settings) -> PlacingLimits:
    return PlacingLimits(
        order_lines=settings.customer_order_lines,
        line_units=settings.customer_line_units,
        open_orders=settings.customer_open_orders,
        unpaid_units=settings.customer_unpaid_units,
        unpaid_minor=Amounts.parsed(settings.customer_unpaid_minor, settings.currency),
        orders_per_minute=settings.customer_orders_per_minute,
    )


def second_person(settings: Settings) -> SecondPerson:
    refunds = Amounts.parsed(settings.second_person_refund_minor, settings.currency)
    return SecondPerson(refunds, settings.second_person_erasures)


def identity_provider(settings: Settings) -> "IdentityProvider | None":
    """The OpenID Connect provider for signing in; None if none is configured."""
    if settings.openid_issuer is None or settings.openid_client_id is None:
        return None

    from oms.web.auth.identity_provider import IdentityProvider  # noqa: PLC0415 - its imports take 4 MB

    secret = settings.openid_client_secret
    return IdentityProvider(
        settings.openid_issuer,
        client_id=settings.openid_client_id,
        client_secret=secret.get_secret_value() if secret else None,
        name=settings.openid_name,
        demo=settings.demo,
    )
