"""Every route of the application, for every role and for visitors, against the permissions."""

import re
from collections.abc import Iterator
from typing import Final

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from oms.domain.access.permissions import may, reach
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.ids import order_id, shipment_id
from oms.platform.settings import Settings
from oms.schema.schema import schema
from oms.web.auth.csrf import FIELD
from oms.web.pages.declarations import PageRoute
from oms.web.pages.live import NEEDS
from tests.schema.test_roles import MUTATIONS
from tests.shop import COURIER, ShopUnderTest
from tests.system.policy.scene import ANA, E_MAIL, PRICE_MINOR, VIEWERS, Scene, set_scene
from tests.web.conftest import Server, serving
from tests.web.pages.conftest import signed_in, visiting

OPEN: Final = {
    "/": "says who may sign in, and nothing else",
    "/sign-in": "for whom is nobody yet",
    "/sign-in/openid": "leads to the provider, for whom is nobody yet",
    "/sign-in/openid/answer": "counts with what the provider signed for this browser, and for nobody else",
    "/sign-out": "ends what there is, if there is anything",
    "/static": "files that are the same for all",
    "/logo/{digest}": "a picture that everybody sees on the sign-in page",
    "/pictures/{sku:path}.svg": "draws what is in the address, and reads nothing",
    "/courier-worker.js": "such a file, at the root because of what it serves",
    "/graphql": "asks for credentials itself, and the table for each field",
    "/live": "asks for a session itself, and the table for each source",
    "/health": "says that the process lives",
    "/ready": "says that the database answers",
    "/metrics": "counts, without names; who reads them is the operator's to say",
}
"""Routes without a need, each with the reason."""

PEOPLE: Final = (Role.CUSTOMER, Role.COURIER, Role.MANAGER, Role.SUPPORT)
NOTHING: Final = "0" * 32


def unexplained(routes: list[BaseRoute]) -> list[str]:
    paths = (getattr(route, "path", repr(route)) for route in routes if not isinstance(route, PageRoute))
    return [path for path in paths if path not in OPEN]


@pytest.fixture(scope="module")
def with_provider(web_settings: Settings) -> Iterator[Server]:
    """Has all possible routes; the provider is never contacted."""
    provider = {"openid_issuer": "https://id.example", "openid_client_id": "oms"}
    with serving(web_settings.model_copy(update=provider), schema) as server:
        yield server


def test_every_route_has_a_need_or_a_reason_to_have_none(pages: Server, with_provider: Server) -> None:
    assert unexplained(pages.app.routes) == []
    assert unexplained(with_provider.app.routes) == []


def test_only_existing_routes_have_a_reason(with_provider: Server) -> None:
    assert OPEN.keys() <= {getattr(route, "path", None) for route in with_provider.app.routes}


def test_a_provider_adds_ways_to_sign_in_and_nothing_else(pages: Server, with_provider: Server) -> None:
    without, those = (
        {getattr(route, "path", None) for route in server.app.routes} for server in (pages, with_provider)
    )
    assert those - without == {"/sign-in/openid", "/sign-in/openid/answer"}


def test_an_unguarded_route_is_noticed() -> None:
    async def leak(_request: Request) -> Response:
        return Response()

    app = Starlette()
    app.add_route("/leak", leak)
    assert unexplained(app.routes) == ["/leak"]


def guarded(app: Starlette) -> Iterator[PageRoute]:
    return (route for route in app.routes if isinstance(route, PageRoute))


def address(route: PageRoute, scene: Scene) -> str:
    """With ids of ana's things."""
    ids = {
        "/courier": shipment_id(scene.split, 2),
        "/support/customers": scene.ana,
        "/manager/customers": scene.ana,
        "/settings/people": scene.people[1],
    }
    subject = next((ids[place] for place in ids if route.path.startswith(place)), order_id(scene.split))
    shipment = shipment_id(scene.split, 2)
    return re.sub(r"\{(\w+)\}", lambda name: {"id": subject, "shipment": shipment}.get(name[1], "none"), route.path)


async def answered(browser: httpx.AsyncClient, route: PageRoute, path: str) -> httpx.Response:
    if "POST" in (route.methods or ()):
        return await browser.post(path, data={"key": path, "reason": "To see who may"})
    return await browser.get(path)


@pytest.mark.parametrize("role", PEOPLE)
async def test_a_page_opens_only_for_roles_that_meet_its_need(pages: Server, shop: ShopUnderTest, role: Role) -> None:
    scene = await set_scene(shop)
    viewer = VIEWERS[role]
    wrong = []
    for route in guarded(pages.app):
        async with signed_in(pages, shop, viewer) as browser:
            answer = await answered(browser, route, address(route, scene))
        need = route.need
        is_met = need.permission is None or reach(viewer, need.permission) in need.within
        opened = answer.status_code not in (401, 403) and answer.headers.get("location") != "/"
        refused = answer.status_code == 403 and "You may not do this" in answer.text
        if opened != is_met or refused == is_met:
            wrong.append(f"{route.methods} {route.path}: {answer.status_code}")
    assert wrong == []


async def test_visitors_get_only_to_the_start_page(pages: Server, shop: ShopUnderTest) -> None:
    scene = await set_scene(shop)
    async with visiting(pages) as nobody:
        for route in guarded(pages.app):
            answer = await answered(nobody, route, address(route, scene))
            assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/"), route.path


def told_of(html: str, asked: str) -> str:
    """A page without the requested id and random values."""
    return re.sub(rf'name="{FIELD}" value="[^"]*"', "", html).replace(asked, "")


@pytest.mark.parametrize("path", ["/orders/{}", "/orders/{}/cancellation", "/orders/{}/acceptance"])
async def test_another_customer_s_order_looks_like_an_unknown_one(
    pages: Server, shop: ShopUnderTest, path: str
) -> None:
    scene = await set_scene(shop)
    told = []
    async with signed_in(pages, shop, ANA) as browser:
        for asked in (order_id(scene.bens), f"ord_{NOTHING}"):
            form = path.count("/") > 2
            here = path.format(asked)
            answer = await (browser.post(here, data={"key": here}) if form else browser.get(here))
            assert answer.status_code == 404
            told.append(told_of(answer.text, asked))
    assert told[0] == told[1]


async def test_an_unbooked_shipment_looks_like_an_unknown_one_to_a_courier(pages: Server, shop: ShopUnderTest) -> None:
    scene = await set_scene(shop)
    told = []
    async with signed_in(pages, shop, COURIER) as browser:
        for asked in (shipment_id(scene.amended, 1), f"shp_{NOTHING}_1"):
            answer = await browser.get(f"/courier/shipments/{asked}")
            assert answer.status_code == 404
            told.append(told_of(answer.text, asked))
    assert told[0] == told[1]


async def test_a_couriers_pages_show_neither_prices_nor_customers_nor_e_mail(
    pages: Server, shop: ShopUnderTest
) -> None:
    scene = await set_scene(shop)
    async with signed_in(pages, shop, COURIER) as browser:
        for part in ("/courier", "/courier?part=done", f"/courier/shipments/{shipment_id(scene.split, 1)}"):
            page = (await browser.get(part)).text
            for secret in (E_MAIL, str(PRICE_MINOR), f"{PRICE_MINOR / 100:.2f}", ">ana<"):
                assert secret not in page, part


@pytest.mark.parametrize("role", PEOPLE)
@pytest.mark.parametrize("source", NEEDS)
async def test_a_live_stream_needs_the_permission_of_its_source(
    pages: Server, shop: ShopUnderTest, role: Role, source: str
) -> None:
    on = (
        f"{source} {order_id(await shop.place({'pen': 1}, customer='ana'))}" if source in ("order", "notes") else source
    )
    await shop.run()
    async with (
        signed_in(pages, shop, VIEWERS[role]) as browser,
        browser.stream("GET", "/live", params={"on": on}) as answer,
    ):
        assert answer.status_code == (200 if may(VIEWERS[role], NEEDS[source]) else 400)


async def test_a_live_stream_of_another_customer_s_order_looks_like_an_unknown_one(
    pages: Server, shop: ShopUnderTest
) -> None:
    theirs = order_id(await shop.place({"pen": 1}, customer="ben"))
    async with signed_in(pages, shop, ANA) as browser:
        answers = [
            await browser.get("/live", params={"on": on})
            for on in (f"order {theirs}", f"order ord_{NOTHING}", "fraud", "nonsense")
        ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(400, answers[0].content)}


@pytest.mark.parametrize("role", PEOPLE)
async def test_graphiql_grants_no_more_than_the_role(pages: Server, shop: ShopUnderTest, role: Role) -> None:
    """With the session's cookie, like the page's script; the subjects do not exist, so nothing is written."""
    async with signed_in(pages, shop, VIEWERS[role]) as browser:
        for field, rule in MUTATIONS.items():
            variables = {
                name: "none" if str(value).startswith("$") else value for name, value in rule.variables.items()
            }
            answer = await httpx.AsyncClient.post(
                browser, "/graphql", json={"query": rule.document, "variables": variables}
            )
            forbidden = '"code":"FORBIDDEN"' in answer.text
            assert forbidden == (role not in rule.roles), f"{field}: {answer.text}"
