"""The customer's pages: the list of orders, one order with its timeline, and the checkout."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.amendments.policy import AmendmentPermission
from oms.domain.cancellation.policy import CancellationPermission
from oms.domain.order.policy import OrderPermission
from oms.domain.placing.policy import PlacingPermission
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.permission import Reach
from oms.domain.vocabulary.wording import wording
from oms.web.pages.declarations import Entry, Pages, form, page
from oms.web.pages.rendering.site import PageRefused, Refusals, Site, read_form, see_other
from oms.web.pages.rendering.views import status_views

PAGE: Final = 20
"""Orders or products on one page."""

ITEMS: Final = 100
"""Items of an order on one page: 2,000 would take 18 ms, in which the process answers nobody else."""

QUANTITY: Final = "quantity:"
"""The prefix of a quantity field's name; the SKU follows."""

ADDRESS_FIELDS: Final = ("name", "line1", "line2", "city", "region", "postalCode", "country")

PAYMENT_METHODS: Final = (
    ("sandbox-ok", "Sandbox card that is accepted"),
    ("sandbox-declined", "Sandbox card that is declined"),
)

_ORDER: Final = "/orders/{id}"
_WHOLE_NUMBER: Final = re.compile(r"-?[0-9]{1,9}")
"""Fits into the API's Int; the API checks its range."""


class OrderPages(Pages):
    """/orders and below, for customers."""

    within = frozenset({Reach.OWN})

    def __init__(self, site: Site) -> None:
        self._site = site

    @page("/orders", needs=OrderPermission.READ_ORDERS, entry=Entry("My orders", Role.CUSTOMER))
    async def index(self, request: Request, viewer: Viewer) -> Response:
        """Newest first; ?status= filters, ?after= continues after an order."""
        status = request.query_params.get("status")
        variables = {
            "first": PAGE,
            "after": request.query_params.get("after"),
            "filter": {"status": [status]} if status else None,
        }
        data = await self._site.query(viewer, "customer/index", variables)
        return self._site.render(
            request, viewer, "customer/index", orders=data["orders"], selected=status, after=variables["after"],
            views=status_views("/orders", status, reader="customer"),
        )  # fmt: skip

    @page("/orders/new", needs=PlacingPermission.PLACE_ORDER, entry=Entry("Place an order", Role.CUSTOMER, icon="tag"))
    @form("/orders/new", needs=PlacingPermission.PLACE_ORDER)
    async def new(self, request: Request, viewer: Viewer) -> Response:
        """The checkout; POST shows other products and keeps the entered values."""
        values = await read_form(request) if request.method == "POST" else {}
        return await self._checkout(request, viewer, Refusals(entered=values))

    @page(_ORDER, needs=OrderPermission.READ_ORDER)
    async def show(self, request: Request, viewer: Viewer) -> Response:
        """?placed=1 confirms; ?events= continues the timeline after an event, ?items= the items after so many."""
        return await self._show(request, viewer)

    @form(f"{_ORDER}/acceptance", needs=AmendmentPermission.ACCEPT_AMENDMENT)
    async def accept(self, request: Request, viewer: Viewer) -> Response:
        values = await read_form(request)
        return await self._respond(request, viewer, values, "customer/accept", {"orderId": _order_id(request)})

    @form(f"{_ORDER}/cancellation", needs=CancellationPermission.CANCEL_ORDER)
    async def cancel(self, request: Request, viewer: Viewer) -> Response:
        values = await read_form(request)
        variables = {"orderId": _order_id(request), "reason": values.get("reason", "").strip() or None}
        return await self._respond(request, viewer, values, "customer/cancel", variables)

    @form("/orders", needs=PlacingPermission.PLACE_ORDER)
    async def place(self, request: Request, viewer: Viewer) -> Response:
        """The form contains the reference, so a form that is sent twice places one order."""
        values = await read_form(request)
        chosen = _chosen(values)
        refusals = Refusals(tuple(_unreadable(chosen)))
        if not refusals.errors:
            payload, refusals = await self._site.mutate(
                viewer, "customer/place", {"input": _order_input(values, chosen)}
            )
            if payload["order"]:
                return see_other(f"/orders/{payload['order']['id']}?placed=1")
        refusals = replace(refusals, entered=values)
        return await self._checkout(request, viewer, refusals, status=422)

    async def _respond(
        self, request: Request, viewer: Viewer, values: Mapping[str, str], document: str, variables: Mapping[str, Any]
    ) -> Response:
        _, refusals = await self._site.mutate(viewer, document, variables, key=values.get("key"))
        if refusals.errors:
            return await self._show(request, viewer, replace(refusals, entered=values))
        return see_other(f"/orders/{_order_id(request)}")

    async def _show(self, request: Request, viewer: Viewer, refusals: Refusals | None = None) -> Response:
        variables = {"id": _order_id(request), "eventsAfter": request.query_params.get("events")}
        order = (await self._site.query(viewer, "customer/show", variables))["order"]
        if order is None:
            raise PageRefused(404, wording("You have no such order."))
        answers: dict[str, Any] = {}
        if refusals:
            answers = {"status": 422, "path": f"/orders/{order['id']}", "refusals": refusals}
        return self._site.render(
            request, viewer, "customer/show", order=order, events_after=variables["eventsAfter"],
            was_placed="placed" in request.query_params, items_before=_items_before(request, order), items_most=ITEMS,
            **answers,
        )  # fmt: skip

    async def _checkout(self, request: Request, viewer: Viewer, refusals: Refusals, *, status: int = 200) -> Response:
        after = refusals.entered.get("after") or None
        data = await self._site.query(viewer, "customer/new", {"first": PAGE, "after": after})
        entered = refusals.entered or _address_of_last(data["orders"]["nodes"])
        chosen = _chosen(entered)
        shown = {product["sku"] for product in data["products"]["nodes"]}
        return self._site.render(
            request, viewer, "customer/new", status=status, path="/orders/new", refusals=refusals, entered=entered,
            products=data["products"], after=after, chosen=chosen, quantity=QUANTITY, payment_methods=PAYMENT_METHODS,
            elsewhere={sku: units for sku, units in chosen.items() if sku not in shown},
            refused=_by_sku(refusals, list(chosen)),
            reference=None if refusals.about("reference") else entered.get("reference"), new_reference=_new_reference,
        )  # fmt: skip


def _items_before(request: Request, order: Mapping[str, Any]) -> int:
    """How many items come before those to show: 0 unless the parameter is a number of this order's."""
    given = request.query_params.get("items", "")
    before = int(given) if _WHOLE_NUMBER.fullmatch(given) else 0
    return before if 0 < before < len(order["lines"]) else 0


def _order_id(request: Request) -> str:
    return str(request.path_params["id"])


def _new_reference() -> str:
    return f"WEB-{secrets.token_hex(6).upper()}"


def _chosen(form: Mapping[str, str]) -> dict[str, str]:
    """The entered quantities by SKU, without empty and zero ones."""
    quantities = {name.removeprefix(QUANTITY): text.strip() for name, text in form.items() if name.startswith(QUANTITY)}
    return {sku: text for sku, text in quantities.items() if text.strip("0")}


def _unreadable(chosen: Mapping[str, str]) -> list[dict[str, Any]]:
    """Refusals, in the API's form, of quantities that are not integers."""
    message = "A quantity must be a whole number, such as 2."
    return [
        {"message": message, "path": ["lines", str(index), "quantity"]}
        for index, text in enumerate(chosen.values())
        if not _WHOLE_NUMBER.fullmatch(text)
    ]


def _order_input(form: Mapping[str, str], chosen: Mapping[str, str]) -> dict[str, Any]:
    """The API's PlaceOrderInput; empty fields are null."""
    return {
        "reference": form.get("reference", ""),
        "lines": [{"sku": sku, "quantity": int(text)} for sku, text in chosen.items()],
        "paymentMethod": form.get("paymentMethod") or None,
        "email": form.get("email", "").strip() or None,
        "shippingAddress": {name: form.get(name, "").strip() or None for name in ADDRESS_FIELDS},
    }


def _by_sku(refusals: Refusals, skus: list[str]) -> dict[str, list[str]]:
    """Messages about lines, by SKU."""
    return {
        sku: [error["message"] for error in refusals.errors if (error["path"] or [])[:2] == ["lines", str(index)]]
        for index, sku in enumerate(skus)
    }


def _address_of_last(orders: list[dict[str, Any]]) -> dict[str, str]:
    """The address of the customer's last order, as form values."""
    address = (orders[0]["shippingAddress"] if orders else None) or {}
    return {name: text for name, text in address.items() if text}
