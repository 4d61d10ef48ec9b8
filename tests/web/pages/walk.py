"""Every page of the application with the same text in every field that people can fill, and the parsed result."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any, Final
from unittest import mock
from urllib.parse import quote, urlencode, urlsplit
from xml.etree.ElementTree import Element

import html5lib
import httpx
from starlette.applications import Starlette
from starlette.routing import Route

from oms.domain.access.permissions import Viewer
from oms.domain.audit.model import OPERATOR
from oms.domain.cancellation import commands as cancellation
from oms.domain.catalog import model as catalog_model
from oms.domain.identity import account_commands
from oms.domain.identity.accounts import NewAccount
from oms.domain.placing import request as placing_request
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.errors import Problem
from oms.domain.vocabulary.ids import account_id, customer_id, order_id, shipment_id
from tests.shop import ShopUnderTest

NO_PAGES: Final = frozenset(
    {
        "/graphql",
        "/health",
        "/ready",
        "/metrics",
        "/live",
        "/courier-worker.js",
        "/logo/{digest}",
        "/picture/{digest}",
        "/pictures/{sku:path}.svg",
    }
)
PEOPLE: Final = (Role.CUSTOMER, Role.COURIER, Role.MANAGER, Role.SUPPORT)

_ASKED: Final = (
    "q", "search", "status", "after", "events", "warehouse", "part", "sku", "amount", "to", "notice", "counted",
    "reference", "done", "next", "again",
)  # fmt: skip
"""The query parameters that pages read."""

_MARK: Final = """UPDATE shipments SET payment_reason = :text, tracking_number = :text, courier_code = :text,
  courier_name = :text, invoice_number = CASE WHEN issued_at IS NULL THEN NULL ELSE :text END"""
_PERSON: Final = "UPDATE accounts SET name = :text, login = :text, warehouses = ARRAY[:text] WHERE id = :id"
_PARK: Final = "UPDATE work SET parked_at = clock_timestamp(), last_error = :text, attempt = 12 WHERE queue = 'billing'"


@dataclass(frozen=True, slots=True)
class Scene:
    """Ids by the path of the page that shows them. `text` is in all of their fields."""

    text: str
    ids: dict[str, list[str]]


def unchecked(_text: str, *_path: str, **_bounds: int) -> Iterator[Problem]:
    """In place of the checks of names and references: pages must withstand whatever a table holds."""
    return iter(())


@mock.patch.multiple(catalog_model, check_code=unchecked, check_name=unchecked)
@mock.patch.object(placing_request, "check_code", unchecked)
async def set_scene(shop: ShopUnderTest, text: str) -> Scene:
    """A product, a warehouse and a customer of this name, and an order in each state with it in all texts."""
    by = Viewer(text, Role.SUPPORT)
    address = dict.fromkeys(("name", "line1", "line2", "postalCode", "city", "region"), text) | {"country": "PT"}
    mail = f"{''.join(text.split())}@{''.join(text.split())}.example"
    fields: dict[str, Any] = {"customer": text, "shipping_address": address, "email": mail}
    await shop.stock_up({text: {text: 9}, f"{text}!": {text: 1}})

    async def place(name: str, sku: str = text, quantity: int = 1, **more: Any) -> Any:
        return await shop.place({sku: quantity}, reference=f"{text} {name}", **fields | more)

    cancelled, failed, delivered = await place("1"), await place("2"), await place("3")
    placed = [cancelled, failed, delivered, await place("4"), await place("5", f"{text}!", 3)]
    placed.append(await place("6", payment_method="sandbox-declined"))
    await shop.run()
    async with shop.db.transaction() as tx:
        await cancellation.cancel(tx, by, cancelled, text)
    await shop.fail(failed, reason=text)
    await shop.dispatch(delivered)
    await shop.deliver(delivered)
    await shop.run()
    placed.append(await place("7"))
    await shop.run("allocation")
    await shop.execute(_PARK, text=text)
    await shop.execute(_MARK, text=text)
    order_ids, shipment_ids = [order_id(each) for each in placed], [shipment_id(each, 1) for each in placed]
    async with shop.db.transaction() as tx:
        person = await account_commands.add(tx, OPERATOR, NewAccount("lou", "Lou", Role.COURIER))
    await shop.execute(
        "UPDATE accounts SET name = :text, login = :text, warehouses = ARRAY[:text] WHERE id = :id",
        text=text,
        id=person.id,
    )
    customer_ids = [customer_id(await _customer(shop, text))]
    return Scene(
        text,
        {
            "/orders/{id}": order_ids,
            "/support/orders/{id}": order_ids,
            "/courier/shipments/{id}": shipment_ids,
            "/support/customers/{id}": customer_ids,
            "/manager/customers/{id}/erasure": customer_ids,
            "/settings/people/{id}": [account_id(person.id)],
        },
    )


async def _customer(shop: ShopUnderTest, reference: str) -> Any:
    [(found,)] = await shop.rows("SELECT id FROM customers WHERE reference = :reference", reference=reference)
    return found


def page_paths(app: Starlette) -> list[str]:
    """The paths of all pages, some with parameters."""
    routes = (route for route in app.routes if isinstance(route, Route))
    return [route.path for route in routes if "GET" in (route.methods or {"GET"}) and route.path not in NO_PAGES]


NAMED_BY_TEXT: Final = "about something of this name"


def addresses(app: Starlette, scene: Scene) -> Iterator[tuple[str, str]]:
    """Every page, by a name that is the same for every scene: as it is, asked with the text in all that it reads, and
    about something whose id would be the text.
    """
    asked = urlencode(dict.fromkeys(_ASKED, scene.text))
    yield "product", f"/manager/stock/product?{urlencode({'sku': scene.text})}"
    yield "courier at a warehouse", f"/courier?{urlencode({'warehouse': scene.text})}"
    for path in page_paths(app):
        ids = scene.ids[path] if "{" in path else [""]
        for number, each in enumerate(ids):
            yield f"{path} {number}", path.replace("{id}", each)
        yield f"{path} asked", f"{path.replace('{id}', ids[0])}?{asked}"
        if "{" in path:
            yield f"{path} {NAMED_BY_TEXT}", path.replace("{id}", quote(scene.text, safe=""))


async def walked(browser: httpx.AsyncClient, app: Starlette, scene: Scene) -> AsyncIterator[tuple[str, httpx.Response]]:
    """The response for each name that is a page; for other roles' pages, the refusal."""
    refused = set()
    for name, address in addresses(app, scene):
        path = name.split()[0]
        if path in refused:
            continue
        answer = await browser.get(address)
        if answer.status_code == 403:
            refused.add(path)
        if answer.headers.get("content-type", "").startswith("text/html"):
            yield name, answer


def parsed(html: str) -> Element:
    """The document as browsers parse it."""
    document: Element = html5lib.parse(html, namespaceHTMLElements=False)
    return document


def skeleton(document: Element) -> Counter[tuple[str, ...]]:
    """The number of elements by tag and attribute names."""
    return Counter((str(element.tag), *sorted(map(str, element.keys()))) for element in document.iter())


_MAIL_OR_CALL: Final = re.compile(r"mailto:[\w.~+%-]+@[\w.~%-]+|tel:\+?\d+", re.ASCII)
_ADDRESSES: Final = frozenset({
    "href", "src", "action", "formaction", "data-hx-get", "data-hx-post", "data-hx-sse:connect", "data-after",
})  # fmt: skip


def leading_astray(document: Element) -> list[str]:
    """Links on the page that lead elsewhere than to this site, its fragments, a map, a mail or a call."""
    return [
        f"{element.tag} {name}={value}"
        for element in document.iter()
        for name, value in element.items()
        if name in _ADDRESSES and not _leads_home(value)
    ]


def _leads_home(address: str) -> bool:
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        map_or_nothing = address == "data:," or address.startswith("https://www.openstreetmap.org/search?query=")
        return map_or_nothing or _MAIL_OR_CALL.fullmatch(address) is not None
    return address.startswith(("/", "#", "?"))
