"""Formats of templates: money by locale, times for the reader's clock, texts of statuses, phrases of reasons."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from babel.numbers import format_currency, get_currency_precision
from markupsafe import Markup

from oms.domain.concept.registry import registered
from oms.domain.vocabulary.failures import phrase
from oms.domain.vocabulary.machine import StatusText

# Clients see a payment's status through the eyes of the API, which has fewer and others than the machine.
_PAYMENT: Final[Mapping[str, StatusText]] = {
    "PENDING": StatusText("", "Not charged yet", "◔"),
    "SUCCEEDED": StatusText("", "Paid", "✓"),
    "DECLINED": StatusText("", "Declined", "✕"),
    "VOIDED": StatusText("", "Not charged", "–"),
    "PARTIALLY_REFUNDED": StatusText("", "Partly refunded", "↩"),
    "REFUNDED": StatusText("", "Refunded", "↩"),
}


@lru_cache
def status_texts(kind: str) -> Mapping[str, StatusText]:
    """By status; `kind` is "payment" or what a machine is called, such as "order" or "shipment"."""
    if kind == "payment":
        return _PAYMENT
    machine = next(machine for machine in registered().machines if machine.noun == kind)
    return {str(status): machine.texts[status] for status in type(next(iter(machine.texts)))}


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
    """A status as symbol and label."""
    text = status_texts(kind)[value]
    return Markup('<span class="status" data-status="{}"><span aria-hidden="true">{}</span> {}</span>').format(
        value, text.symbol, text.label
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
