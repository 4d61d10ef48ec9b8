"""What customers see: their orders, one of them with all that happens to it, and a checkout to place another."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.web.pages.site import NotAllowed, Refusals, Site, form_of, see_other
from oms.web.pages.words import ORDER_WORDS, SHIPMENT_WORDS

PAGE: Final = 20
"""Orders, and products, of one page."""

QUANTITY: Final = "quantity:"
"""What the name of a product's field begins with; its SKU follows."""

ADDRESS_FIELDS: Final = ("name", "line1", "line2", "city", "region", "postalCode", "country")

PAYMENT_METHODS: Final = (
    ("sandbox-ok", "A card of the sandbox that is accepted"),
    ("sandbox-declined", "A card of the sandbox that is declined"),
)

_WHOLE_NUMBER: Final = re.compile(r"-?[0-9]{1,9}")
"""What the API takes as a number of 32 bits; how large it may be, the API says."""

_NEXT_OF_ORDER: Final[Mapping[str, str]] = {
    "PENDING": "We look for the items in our warehouses. This takes moments, and this page follows by itself.",
    "CUSTOMER_ACTION_REQUIRED": "We wait for your answer. Nothing is charged before it.",
    "PROCESSING": "Each shipment is paid, handed to a courier and brought to you. This page follows by itself.",
    "COMPLETED": "Nothing more: what could be sent has arrived.",
    "FAILED": "Nothing more: no shipment could be carried out, and you pay nothing.",
    "CANCELLED": "Nothing more: nothing will be sent, and what was charged is paid back.",
    "TIMED_OUT": "Nothing more: there was no answer in time, and nothing was charged.",
}
_NEXT_OF_SHIPMENT: Final[Mapping[str, str]] = {
    "PENDING": "It is paid, then handed to a courier.",
    "BOOKED": "The courier picks it up at the warehouse.",
    "DISPATCHED": "The courier is on the way to you.",
}


class OrderPages:
    """/orders and what is below it, for customers."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def index(self, request: Request, viewer: Viewer) -> Response:
        """Newest first; ?status= filters, ?after= goes on behind an order."""
        wanted = request.query_params.get("status")
        variables = {
            "first": PAGE,
            "after": request.query_params.get("after"),
            "filter": {"status": [wanted]} if wanted else None,
        }
        data = await self._site.query(viewer, "orders/index", variables)
        return self._site.render(
            request, viewer, "orders/index", orders=data["orders"], wanted=wanted, after=variables["after"],
            order_words=ORDER_WORDS,
        )  # fmt: skip

    async def show(self, request: Request, viewer: Viewer) -> Response:
        """?placed=1 confirms; ?events= goes on behind an event of the timeline."""
        return await self._show(request, viewer)

    async def accept(self, request: Request, viewer: Viewer) -> Response:
        form = await form_of(request)
        return await self._answer(request, viewer, form, "orders/accept", {"orderId": _order_id(request)})

    async def cancel(self, request: Request, viewer: Viewer) -> Response:
        form = await form_of(request)
        variables = {"orderId": _order_id(request), "reason": form.get("reason", "").strip() or None}
        return await self._answer(request, viewer, form, "orders/cancel", variables)

    async def new(self, request: Request, viewer: Viewer) -> Response:
        """The checkout; by POST it shows other products and keeps what was entered."""
        form = await form_of(request) if request.method == "POST" else {}
        return await self._checkout(request, viewer, Refusals(entered=form))

    async def place(self, request: Request, viewer: Viewer) -> Response:
        """The reference was made with the form, so the same form sent again finds the order it placed."""
        form = await form_of(request)
        chosen = _chosen(form)
        refusals = Refusals(tuple(_unreadable(chosen)))
        if not refusals.errors:
            payload, refusals = await self._site.act(viewer, "orders/place", {"input": _order_input(form, chosen)})
            if payload["order"]:
                return see_other(f"/orders/{payload['order']['id']}?placed=1")
        refusals = replace(refusals, entered=form)
        return await self._checkout(request, viewer, refusals, status=422)

    async def _answer(
        self, request: Request, viewer: Viewer, form: Mapping[str, str], document: str, variables: Mapping[str, Any]
    ) -> Response:
        _, refusals = await self._site.act(viewer, document, variables, key=form.get("key"))
        if refusals.errors:
            return await self._show(request, viewer, replace(refusals, entered=form))
        return see_other(f"/orders/{_order_id(request)}")

    async def _show(self, request: Request, viewer: Viewer, refusals: Refusals | None = None) -> Response:
        variables = {"id": _order_id(request), "eventsAfter": request.query_params.get("events")}
        order = (await self._site.query(viewer, "orders/show", variables))["order"]
        if order is None:
            raise NotAllowed(404, "There is no such order among yours.")
        answers: dict[str, Any] = {}
        if refusals:
            answers = {"status": 422, "path": f"/orders/{order['id']}", "refusals": refusals}
        return self._site.render(
            request, viewer, "orders/show", order=order, events_after=variables["eventsAfter"],
            was_placed="placed" in request.query_params, next_of_order=_NEXT_OF_ORDER,
            next_of_shipment=_NEXT_OF_SHIPMENT, order_words=ORDER_WORDS, shipment_words=SHIPMENT_WORDS, **answers,
        )  # fmt: skip

    async def _checkout(self, request: Request, viewer: Viewer, refusals: Refusals, *, status: int = 200) -> Response:
        after = refusals.entered.get("after") or None
        data = await self._site.query(viewer, "orders/new", {"first": PAGE, "after": after})
        entered = refusals.entered or _address_of_last(data["orders"]["nodes"])
        chosen = _chosen(entered)
        shown = {product["sku"] for product in data["products"]["nodes"]}
        return self._site.render(
            request, viewer, "orders/new", status=status, path="/orders/new", refusals=refusals, entered=entered,
            products=data["products"], after=after, chosen=chosen, quantity=QUANTITY, payment_methods=PAYMENT_METHODS,
            elsewhere={sku: units for sku, units in chosen.items() if sku not in shown},
            refused=_by_sku(refusals, list(chosen)),
            reference=None if refusals.about("reference") else entered.get("reference"), new_reference=_new_reference,
        )  # fmt: skip


def _order_id(request: Request) -> str:
    return str(request.path_params["id"])


def _new_reference() -> str:
    return f"WEB-{secrets.token_hex(6).upper()}"


def _chosen(form: Mapping[str, str]) -> dict[str, str]:
    """What was entered as quantity by SKU, where it is not nothing."""
    quantities = {name.removeprefix(QUANTITY): text.strip() for name, text in form.items() if name.startswith(QUANTITY)}
    return {sku: text for sku, text in quantities.items() if text.strip("0")}


def _unreadable(chosen: Mapping[str, str]) -> list[dict[str, Any]]:
    """Refusals, in the API's form, of quantities that it can't even be asked about."""
    message = "A quantity is a whole number, such as 2."
    return [
        {"message": message, "path": ["lines", str(index), "quantity"]}
        for index, text in enumerate(chosen.values())
        if not _WHOLE_NUMBER.fullmatch(text)
    ]


def _order_input(form: Mapping[str, str], chosen: Mapping[str, str]) -> dict[str, Any]:
    """The API's PlaceOrderInput; fields left empty are left out."""
    return {
        "reference": form.get("reference", ""),
        "lines": [{"sku": sku, "quantity": int(text)} for sku, text in chosen.items()],
        "paymentMethod": form.get("paymentMethod") or None,
        "email": form.get("email", "").strip() or None,
        "shippingAddress": {name: form.get(name, "").strip() or None for name in ADDRESS_FIELDS},
    }


def _by_sku(refusals: Refusals, skus: list[str]) -> dict[str, list[str]]:
    """Messages about lines, by what was ordered on them."""
    return {
        sku: [error["message"] for error in refusals.errors if (error["path"] or [])[:2] == ["lines", str(index)]]
        for index, sku in enumerate(skus)
    }


def _address_of_last(orders: list[dict[str, Any]]) -> dict[str, str]:
    """Where the customer's last order went, as the fields of the form."""
    address = (orders[0]["shippingAddress"] if orders else None) or {}
    return {name: text for name, text in address.items() if text}
