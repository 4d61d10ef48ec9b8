"""Formats of templates: money by locale, times for the reader's clock, phrases of statuses and reasons."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from babel.numbers import format_currency, get_currency_precision
from markupsafe import Markup

from oms.domain.vocabulary.failures import phrase

ORDER_PHRASES: Final[Mapping[str, str]] = {
    "PENDING": "Received",
    "CUSTOMER_ACTION_REQUIRED": "Waiting for an answer",
    "PROCESSING": "In progress",
    "COMPLETED": "Completed",
    "FAILED": "Failed",
    "CANCELLED": "Cancelled",
    "TIMED_OUT": "Timed out",
}

SHIPMENT_PHRASES: Final[Mapping[str, str]] = {
    "PENDING": "Being prepared",
    "BOOKED": "Ready for pick-up",
    "DISPATCHED": "With the courier",
    "DELIVERED": "Delivered",
    "FAILED": "Failed",
    "CANCELLED": "Cancelled",
}

PAYMENT_PHRASES: Final[Mapping[str, str]] = {
    "PENDING": "Not charged yet",
    "SUCCEEDED": "Paid",
    "DECLINED": "Declined",
    "VOIDED": "Not charged",
    "PARTIALLY_REFUNDED": "Partly refunded",
    "REFUNDED": "Refunded",
}

# A shape beside each phrase, so that colour is never the only sign.
SHAPES: Final[Mapping[str, str]] = {
    "PENDING": "◔",
    "CUSTOMER_ACTION_REQUIRED": "!",
    "PROCESSING": "◑",
    "BOOKED": "◑",
    "DISPATCHED": "➤",
    "COMPLETED": "✓",
    "DELIVERED": "✓",
    "SUCCEEDED": "✓",
    "FAILED": "✕",
    "DECLINED": "✕",
    "CANCELLED": "–",
    "VOIDED": "–",
    "TIMED_OUT": "–",
    "REFUNDED": "↩",
    "PARTIALLY_REFUNDED": "↩",
}

_PHRASES: Final = {"order": ORDER_PHRASES, "shipment": SHIPMENT_PHRASES, "payment": PAYMENT_PHRASES}


def money(amount: Mapping[str, Any] | None) -> str:
    """The API's {"amount": minor units, "currency": code} as people write it; a dash for none."""
    return "–" if amount is None else _format_money(amount["amount"], amount["currency"])


# Babel takes 14 µs for an amount, and a page has a dozen of them, many of them equal.
@lru_cache(maxsize=4096)
def _format_money(minor: int, currency: str) -> str:
    digits = get_currency_precision(currency)
    return format_currency(Decimal(minor).scaleb(-digits), currency, locale="en")


@lru_cache(maxsize=256)
def status(value: str, kind: str) -> Markup:
    """A status as shape and phrase; `kind` is order, shipment or payment."""
    text = _PHRASES[kind].get(value, value.replace("_", " ").capitalize())
    return Markup('<span class="status" data-status="{}"><span aria-hidden="true">{}</span> {}</span>').format(
        value, SHAPES.get(value, "•"), text
    )


def instant(text: str | None, *, seconds: bool = False) -> Markup:
    """A time of the API, to the minute or second, in UTC; app.js converts it to the reader's time zone."""
    if text is None:
        return Markup("–")
    at = datetime.fromisoformat(text).astimezone(UTC)
    date, clock = at.isoformat(" ")[:19].split(" ")
    # With %, because Markup.format() takes longer than everything else here. HTML allows no microseconds.
    return Markup('<time datetime="%s" title="%s"%s>%s</time>') % (
        f"{date}T{clock}.{at.microsecond // 1000:03}Z",
        f"{date} {clock} UTC",
        Markup(" data-seconds") if seconds else "",
        f"{at:%d %b %Y}, {clock if seconds else clock[:5]} UTC",
    )


def reason(value: str | None) -> str:
    """A failure's reason as a phrase; a text that a person wrote stays as it is."""
    return phrase(value) if value else ""
