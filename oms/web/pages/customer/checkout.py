"""The page where a customer places an order: catalogue, address, and what it would cost, in one form.

Without JavaScript its buttons send the whole form back and show it again; with htmx the sums follow each change.
"""

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from babel import Locale
from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.vocabulary.texts.countries import COUNTRY_CODES
from oms.platform.locale.language import current_language
from oms.platform.locale.language import gettext as _
from oms.web.pages.customer.basket import BasketCookie
from oms.web.pages.rendering.site import Refusals, Site, see_other

PATH: Final = "/orders/new"
PAGE: Final = 20
"""Products on one page."""

QUANTITY: Final = "quantity:"
"""The prefix of a quantity field's name; the SKU follows."""

ADDRESS_FIELDS: Final = ("name", "line1", "line2", "city", "region", "postalCode", "country")
WHOLE_NUMBER: Final = re.compile(r"-?[0-9]{1,9}")
"""Fits into the API's Int; the API checks its range."""

_PATHS: Final = {"address": ["shippingAddress"]}
"""Of errors of an address, in the input of an order."""

Entered = Mapping[str, str]
Error = Mapping[str, Any]
"""As the API gives it: message and path."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What the chosen items come to, or why that is not known."""

    quote: Mapping[str, Any] | None
    errors: tuple[Error, ...] = ()
    """At fields: the order can't be placed like this."""
    note: str = ""
    """Why the costs are not known although the order can be placed."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One line of the summary of errors, which links to the field with the id `field`."""

    message: str
    field: str


class Checkout:
    """Shows the form, and places the order."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self.basket = BasketCookie(secure=not site.demo)

    async def open(self, request: Request, viewer: Viewer) -> Response:
        """The form with the kept basket and the last address; with ?again= also the items of that order."""
        chosen = self.basket.read(request) | await self._items_of(viewer, request.query_params.get("again"))
        last = await self._site.query(viewer, "customer/last_address")
        entered = _address_of(last["orders"]["nodes"]) | {f"{QUANTITY}{sku}": text for sku, text in chosen.items()}
        return await self._show(request, viewer, entered)

    async def change(self, request: Request, viewer: Viewer, entered: Entered) -> Response:
        """The form again, with other products or new sums; the basket is kept."""
        return await self._show(request, viewer, _changed(entered))

    async def place(self, request: Request, viewer: Viewer, entered: Entered) -> Response:
        """Places the order if nothing is wrong with it, or shows everything that is. Sent twice, it places one."""
        chosen = chosen_in(entered)
        costs = await self._costs(viewer, chosen)
        errors = [*costs.errors, *await self._address_errors(viewer, entered)]
        if not errors:
            payload, refusals = await self._site.mutate(
                viewer, "customer/place", {"input": _order_input(entered, chosen)}
            )
            if payload["order"]:
                response = see_other(f"/orders/{payload['order']['id']}?placed=1")
                self.basket.remove(response)
                return response
            errors = list(refusals.errors)
        return await self._show(request, viewer, entered, errors=errors, costs=costs, status=422)

    async def _show(
        self, request: Request, viewer: Viewer, entered: Entered, *,
        errors: list[Error] | None = None, costs: Costs | None = None, status: int = 200,
    ) -> Response:  # fmt: skip
        """`errors`: of an order that was not placed; otherwise those of the items alone, at their fields."""
        chosen = chosen_in(entered)
        costs = costs or (await self._costs(viewer, chosen) if chosen else Costs(None))
        refusals = Refusals(tuple(costs.errors if errors is None else errors), entered)
        products = await self._products(viewer, entered)
        places = {product["sku"]: f"quantity-{place}" for place, product in enumerate(products["nodes"], 1)}
        skus = list(chosen)
        response = self._site.render(
            request, viewer, "customer/new", status=status, path=PATH, refusals=refusals,
            mistakes=[] if errors is None else list(_mistakes(refusals, skus, places)), entered=entered,
            products=products, search=entered.get("search", ""), after=entered.get("after") or None,
            chosen=chosen, quantity=QUANTITY, places=places, at_items=_by_sku(refusals, skus),
            elsewhere={sku: text for sku, text in chosen.items() if sku not in places},
            costs=costs, countries=_countries(), payment_methods=_payment_methods(),
            reference=None if refusals.about("reference") else entered.get("reference"), new_reference=_new_reference,
        )  # fmt: skip
        self.basket.put(response, chosen)
        return response

    async def _products(self, viewer: Viewer, entered: Entered) -> dict[str, Any]:
        """A page of the catalogue in one currency: the shop's, or that of its first product if none has it."""
        found = await self._site.query(viewer, "customer/currency")
        page = {"first": PAGE, "after": entered.get("after") or None, "search": entered.get("search", "").strip()}
        products = await self._page(viewer, page, found["defaultCurrency"])
        first = found["products"]["nodes"]
        if not products["nodes"] and first and not page["after"] and not page["search"]:
            return await self._page(viewer, page, first[0]["unitPrice"]["currency"])
        return products

    async def _page(self, viewer: Viewer, page: Mapping[str, Any], currency: str) -> dict[str, Any]:
        variables = {**page, "search": page["search"] or None, "currency": currency}
        products: dict[str, Any] = (await self._site.query(viewer, "customer/new", variables))["products"]
        return products

    async def _costs(self, viewer: Viewer, chosen: Mapping[str, str]) -> Costs:
        if not chosen:
            return Costs(None, ({"message": _("Choose at least one item: enter how many."), "path": ["lines"]},))
        if errors := tuple(_unreadable(chosen)):
            return Costs(None, errors)
        found = await self._site.query(viewer, "customer/quote", {"input": {"lines": _lines(chosen)}})
        errors = found["quoteOrder"]["userErrors"]
        note = next((error["message"] for error in errors if not error["path"]), "")
        return Costs(found["quoteOrder"]["quote"], tuple(error for error in errors if error["path"]), note)

    async def _address_errors(self, viewer: Viewer, entered: Entered) -> list[Error]:
        variables = {"address": _address(entered), "email": entered.get("email", "").strip() or None}
        errors: list[Error] = (await self._site.query(viewer, "customer/address", variables))["checkAddress"]
        return [{**error, "path": _PATHS.get(error["path"][0], []) + error["path"][-1:]} for error in errors]

    async def _items_of(self, viewer: Viewer, order_id: str | None) -> dict[str, str]:
        if order_id is None:
            return {}
        order = (await self._site.query(viewer, "customer/again", {"id": order_id}))["order"]
        return {line["sku"]: str(line["quantity"]) for line in order["lines"]} if order else {}


def chosen_in(entered: Entered) -> dict[str, str]:
    """The entered quantities by SKU, without empty and zero ones."""
    found = {name.removeprefix(QUANTITY): text.strip() for name, text in entered.items() if name.startswith(QUANTITY)}
    return {sku: text for sku, text in found.items() if text.strip("0")}


def _changed(entered: Entered) -> dict[str, str]:
    """Without the item whose button "Remove" was pressed; another search begins at its first product."""
    changed = dict(entered)
    if removed := changed.pop("remove", None):
        changed.pop(f"{QUANTITY}{removed}", None)
    if changed.get("search", "") != changed.get("searched", ""):
        changed["after"] = ""
    return changed


def _lines(chosen: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"sku": sku, "quantity": int(text)} for sku, text in chosen.items()]


def _address(entered: Entered) -> dict[str, str | None]:
    return {name: entered.get(name, "").strip() or None for name in ADDRESS_FIELDS}


def _order_input(entered: Entered, chosen: Mapping[str, str]) -> dict[str, Any]:
    """The API's PlaceOrderInput; empty fields are null."""
    return {
        "reference": entered.get("reference", ""),
        "lines": _lines(chosen),
        "paymentMethod": entered.get("paymentMethod") or None,
        "email": entered.get("email", "").strip() or None,
        "shippingAddress": _address(entered),
    }


def _unreadable(chosen: Mapping[str, str]) -> list[Error]:
    """Refusals, in the API's form, of quantities that are not integers."""
    message = _("A quantity must be a whole number, such as 2.")
    return [
        {"message": message, "path": ["lines", str(index), "quantity"]}
        for index, text in enumerate(chosen.values())
        if not WHOLE_NUMBER.fullmatch(text)
    ]


def _index_of_line(error: Error) -> int | None:
    path = error["path"] or []
    return int(path[1]) if len(path) > 1 and path[0] == "lines" else None


def _by_sku(refusals: Refusals, skus: list[str]) -> dict[str, list[str]]:
    """Messages about lines, by SKU."""
    return {
        sku: [error["message"] for error in refusals.errors if _index_of_line(error) == index]
        for index, sku in enumerate(skus)
    }


def _mistakes(refusals: Refusals, skus: list[str], places: Mapping[str, str]) -> Iterator[Mistake]:
    """The errors in the order of the form, each with the field where it is corrected."""
    for error in refusals.errors:
        path = error["path"] or []
        index = _index_of_line(error)
        if index is not None:
            yield Mistake(error["message"], places.get(skus[index], "chosen"))
        elif path and path[0] != "reference":
            fields = {"lines": "items", "paymentMethod": "payment"}
            yield Mistake(error["message"], fields.get(path[0], path[-1]))


def _countries() -> list[tuple[str, str]]:
    """Codes and names, by name in the reader's language."""
    names = Locale.parse(str(current_language())).territories
    return sorted(((code, names.get(code, code)) for code in COUNTRY_CODES), key=lambda country: country[1])


def _payment_methods() -> tuple[tuple[str, str], ...]:
    return (
        ("sandbox-ok", _("Test card that is accepted")),
        ("sandbox-declined", _("Test card that is declined")),
    )


def _new_reference() -> str:
    return f"WEB-{secrets.token_hex(6).upper()}"


def _address_of(orders: list[dict[str, Any]]) -> dict[str, str]:
    """The address of the customer's last order, as form values."""
    address = (orders[0]["shippingAddress"] if orders else None) or {}
    return {name: text for name, text in address.items() if text}
