"""How templates say things: money by locale, times for the reader's own clock, statuses in words."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from babel.numbers import format_currency, get_currency_precision
from markupsafe import Markup

ORDER_WORDS: Final[Mapping[str, str]] = {
    "PENDING": "Received",
    "CUSTOMER_ACTION_REQUIRED": "Waits for an answer",
    "PROCESSING": "In progress",
    "COMPLETED": "Completed",
    "FAILED": "Failed",
    "CANCELLED": "Cancelled",
    "TIMED_OUT": "Timed out",
}

SHIPMENT_WORDS: Final[Mapping[str, str]] = {
    "PENDING": "Being prepared",
    "BOOKED": "Ready for pick-up",
    "DISPATCHED": "With the courier",
    "DELIVERED": "Delivered",
    "FAILED": "Failed",
    "CANCELLED": "Cancelled",
}

PAYMENT_WORDS: Final[Mapping[str, str]] = {
    "PENDING": "Not charged yet",
    "SUCCEEDED": "Paid",
    "DECLINED": "Declined",
    "VOIDED": "Not charged",
    "PARTIALLY_REFUNDED": "Partly refunded",
    "REFUNDED": "Refunded",
}

REASON_WORDS: Final[Mapping[str, str]] = {
    "SPENDING_LIMIT_EXCEEDED": "it would exceed the spending limit",
    "FRAUD_MAINTENANCE": "payments are paused for maintenance and go on by themselves",
    "CARD_DECLINED": "the card was declined",
    "PAYMENT_METHOD_UNKNOWN": "the payment method is not known",
    "COURIER_REFUSED": "no courier would take it",
}

# A shape for each, beside the word, so that colour is never the only sign.
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

_WORDS: Final = {"order": ORDER_WORDS, "shipment": SHIPMENT_WORDS, "payment": PAYMENT_WORDS}


def money(amount: Mapping[str, Any] | None) -> str:
    """{"amount": minor units, "currency": code} as people write it; a dash for none."""
    return "–" if amount is None else _written(amount["amount"], amount["currency"])


# Babel takes 14 µs for an amount, and a page has a dozen of them, of which many come again.
@lru_cache(maxsize=4096)
def _written(minor: int, currency: str) -> str:
    digits = get_currency_precision(currency)
    return format_currency(Decimal(minor).scaleb(-digits), currency, locale="en")


@lru_cache(maxsize=256)
def status(value: str, kind: str) -> Markup:
    """A status as shape and word; `kind` is order, shipment or payment."""
    word = _WORDS[kind].get(value, value.replace("_", " ").capitalize())
    return Markup('<span class="status" data-status="{}"><span aria-hidden="true">{}</span> {}</span>').format(
        value, SHAPES.get(value, "•"), word
    )


def instant(text: str | None, *, seconds: bool = False) -> Markup:
    """An instant of the API, to the minute or second; app.js shows it by the reader's clock, with UTC in the title."""
    if text is None:
        return Markup("–")
    at = datetime.fromisoformat(text).astimezone(UTC)
    date, clock = at.isoformat(" ")[:19].split(" ")
    # By %, for Markup's format() takes longer than all the rest. HTML takes no microseconds.
    return Markup('<time datetime="%s" title="%s"%s>%s</time>') % (
        f"{date}T{clock}.{at.microsecond // 1000:03}Z",
        f"{date} {clock} UTC",
        Markup(" data-seconds") if seconds else "",
        f"{at:%d %b %Y}, {clock if seconds else clock[:5]} UTC",
    )


def reason(code: str | None) -> str:
    """A stable reason in words; what people wrote stays as it is."""
    return REASON_WORDS.get(code or "", code or "")
