"""An order as its customer reads it: a headline, what happened in plain words, and what to do when something failed."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from oms.domain.order.events import OrderEvent as E
from oms.domain.order.model import OrderStatus
from oms.domain.order.shipment import ShipmentStatus
from oms.domain.parked.events import ParkedEvent
from oms.domain.vocabulary.events import EventType
from oms.domain.vocabulary.failures import FailureReason, phrase
from oms.domain.vocabulary.wording import Wording, wording
from oms.platform.locale.language import gettext as _
from oms.platform.locale.language import ngettext
from oms.web.pages.rendering.formatting import status_texts


class Told(NamedTuple):
    """A sentence and, where somebody gave one, the reason."""

    text: str
    at: str


class Trouble(NamedTuple):
    """What went wrong with a parcel, and what its customer can do. `again`: whether ordering it again may help."""

    what: str
    next_step: str
    again: bool


_HEADLINES: Final[Mapping[str, Wording]] = {
    OrderStatus.PENDING: wording("Thank you, we have your order"),
    OrderStatus.CUSTOMER_ACTION_REQUIRED: wording("Not everything is in stock. What should we do?"),
    OrderStatus.PROCESSING: wording("We are getting it ready"),
    OrderStatus.COMPLETED: wording("Delivered"),
    OrderStatus.FAILED: wording("We could not send your order"),
    OrderStatus.CANCELLED: wording("Cancelled"),
    OrderStatus.TIMED_OUT: wording("Ended without an answer"),
}
_ON_ITS_WAY: Final = wording("On its way")
_PARTLY_DELIVERED: Final = wording("Partly delivered")

_SENTENCES: Final[Mapping[EventType, Wording]] = {
    E.OrderPlaced: wording("We have your order."),
    E.ItemsAllocated: wording("Everything is in stock and kept for you."),
    E.ItemsUnavailable: wording("Not everything is in stock. We asked what you want to do."),
    E.AmendmentAccepted: wording("You accepted the order without what is not in stock."),
    E.OrderCancelled: wording("The order was cancelled."),
    E.OrderTimedOut: wording("We had no answer in time, so the order ended. You pay nothing."),
    E.OrderCompleted: wording("Everything that we could send has arrived."),
    E.OrderFailed: wording("We could not send the order."),
    E.ChargeHeld: wording("The payment for parcel {parcel} waits for a moment."),
    E.ShipmentCharged: wording("Parcel {parcel} is paid."),
    E.ChargeDeclined: wording("The payment for parcel {parcel} did not go through."),
    E.ShipmentRefunded: wording("You have your money back for parcel {parcel}."),
    E.ShipmentBooked: wording("Parcel {parcel} is packed."),
    E.ShipmentDispatched: wording("Parcel {parcel} is on its way."),
    E.DeliveryAttempted: wording("The courier could not deliver parcel {parcel} today and tries again the next day."),
    E.ShipmentDelivered: wording("Parcel {parcel} was delivered."),
    E.ShipmentFailed: wording("Parcel {parcel} could not be delivered."),
    E.ShipmentCancelled: wording("Parcel {parcel} was cancelled."),
}
_WITH_REASON: Final[frozenset[EventType]] = frozenset(
    {
        E.OrderCancelled,
        E.OrderFailed,
        E.ChargeHeld,
        E.ChargeDeclined,
        E.DeliveryAttempted,
        E.ShipmentFailed,
        E.ShipmentCancelled,
    }
)
UNTOLD: Final[frozenset[EventType]] = frozenset(
    {
        E.ShipmentInvoiced,
        E.ChargeStarted,
        E.BookingReleased,
        ParkedEvent.WorkParked,
        ParkedEvent.WorkRetried,
    }
)
"""Steps of ours, which change nothing for the customer."""
TOLD: Final = frozenset(_SENTENCES)

_REASONS: Final[Mapping[str, Wording]] = {
    FailureReason.SPENDING_LIMIT_EXCEEDED: wording("It is more than you may spend at the moment"),
    FailureReason.FRAUD_MAINTENANCE: wording("We take no payments for a short while"),
    FailureReason.CARD_DECLINED: wording("Your card was declined"),
    FailureReason.PAYMENT_METHOD_UNKNOWN: wording("We do not know this way to pay"),
    FailureReason.DECLINED: wording("The payment was declined"),
    FailureReason.COURIER_REFUSED: wording("No courier could take it"),
    FailureReason.NO_ANSWER: wording("We had no answer in time"),
}
_ADVICE: Final[Mapping[str, Wording]] = {
    FailureReason.SPENDING_LIMIT_EXCEEDED: wording("Order less, or try again later. You pay nothing for this parcel."),
    FailureReason.CARD_DECLINED: wording(
        "Ask your bank, or order again with another card. You pay nothing for this parcel."
    ),
}
_ADVICE_UNPAID: Final = wording(
    "Order it again, with another way to pay if you have one. You pay nothing for this parcel."
)
_ADVICE_REFUNDED: Final = wording("You get back what you paid. If you still want these items, order them again.")


def headline(order: Mapping[str, Any]) -> str:
    """Where the order is, in a few words."""
    shipped = {shipment["status"] for shipment in order["shipments"]}
    if order["status"] == OrderStatus.PROCESSING and ShipmentStatus.DISPATCHED in shipped:
        return _(_ON_ITS_WAY)
    if order["status"] == OrderStatus.PROCESSING and ShipmentStatus.DELIVERED in shipped:
        return _(_PARTLY_DELIVERED)
    return _(_HEADLINES[order["status"]])


def parcels(order: Mapping[str, Any]) -> str:
    """How many parcels are where, such as `2 parcels: 1 on its way, 1 delivered`; empty without any."""
    texts = status_texts("shipment")
    counts = Counter(shipment["status"] for shipment in order["shipments"])
    number = sum(counts.values())
    if not number:
        return ""
    said = {status: _(text.for_customer) for status, text in texts.items()}
    where = ", ".join(
        said[status].lower() if number == count else f"{count} {said[status].lower()}"
        for status, count in counts.items()
    )
    return ngettext("%(number)s parcel: %(where)s.", "%(number)s parcels: %(where)s.", number) % {
        "number": number, "where": where,
    }  # fmt: skip


def happened(order: Mapping[str, Any]) -> Iterator[Told]:
    """The sentences of the order's events, in their order; steps that concern nobody outside are left out."""
    numbers = {shipment["id"]: number for number, shipment in enumerate(order["shipments"], 1)}
    for event in order["events"]["nodes"]:
        if event["type"] in _SENTENCES:
            parcel = numbers.get(event["shipment"]["id"]) if event["shipment"] else None
            sentence = _(_SENTENCES[event["type"]]).format(parcel=parcel)
            gives_reason = event["reason"] and event["type"] in _WITH_REASON
            yield Told(f"{sentence} {why(event['reason'])}." if gives_reason else sentence, event["at"])


def why(reason: str) -> str:
    """A reason in the customer's words, without its full stop. What a person wrote stays as it is."""
    if reason in _REASONS:
        return _(_REASONS[reason])
    known = phrase(reason)
    return known.rstrip(".") if known == reason else _("It was not accepted")


def trouble(shipment: Mapping[str, Any]) -> Trouble | None:
    """Of a parcel that failed; None for all others."""
    if shipment["status"] != ShipmentStatus.FAILED:
        return None
    payment = shipment["payment"]
    if payment["chargedAt"]:
        return Trouble(_("We could not deliver this parcel."), _(_ADVICE_REFUNDED), again=True)
    reason = payment["reason"]
    what = f"{why(reason)}." if reason else _("We could not send this parcel.")
    return Trouble(what, _(_ADVICE.get(reason, _ADVICE_UNPAID)), again=True)
