"""Formats of templates: money by locale, times for the reader's clock, texts of statuses, phrases of reasons."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

from babel.dates import format_date, get_month_names
from markupsafe import Markup

from oms.domain.concept.registry import registered
from oms.domain.vocabulary.failures import phrase
from oms.domain.vocabulary.machine import Shape, StatusText
from oms.platform.locale.language import Language, current_language, gettext
from oms.platform.locale.money import money_text
from oms.platform.locale.time_zone import current_zone
from oms.web.pages.rendering.assets import asset

# Clients see a payment's status through the eyes of the API, which has fewer and others than the machine.
_PAYMENT: Final[Mapping[str, StatusText]] = {
    "PENDING": StatusText("", "Not charged", Shape.WAIT, customer_label="Not charged yet"),
    "SUCCEEDED": StatusText("", "Paid", Shape.DONE),
    "DECLINED": StatusText("", "Declined", Shape.FAIL, customer_label="Did not go through"),
    "VOIDED": StatusText("", "Voided", Shape.STOP, customer_label="Not charged"),
    "PARTIALLY_REFUNDED": StatusText("", "Part refunded", Shape.BACK, customer_label="Partly refunded"),
    "REFUNDED": StatusText("", "Refunded", Shape.BACK),
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
    return "–" if amount is None else money_text(amount["amount"], amount["currency"])


def address(text: str) -> str:
    """An e-mail address or phone number as the rest of a `mailto:` or `tel:` link: no "?" in it adds a text."""
    return quote(text, safe="@+")


def status(value: str, kind: str, reader: str = "staff", *, plain: bool = False) -> Markup:
    """A status as shape and label; `reader` is "staff" or "customer". Plain: never filled with its tone's colour."""
    return _format_status(value, kind, reader, plain, current_language())


@lru_cache(maxsize=512)
def _format_status(value: str, kind: str, reader: str, plain: bool, _: Language) -> Markup:
    text = status_texts(kind)[value]
    label = gettext(text.for_customer if reader == "customer" else text.label)
    return Markup('<span class="status{}" data-status="{}" data-tone="{}">{}{}</span>').format(
        " plain" if plain else "", value, text.shape.tone, icon(f"s-{text.shape}"), label
    )


@lru_cache(maxsize=256)
def icon(name: str) -> Markup:
    """A drawing of static/icons.svg. It has no name of its own: a text stands beside it, or its button has a label."""
    return Markup('<svg class="i" aria-hidden="true"><use href="{}#{}"/></svg>').format(asset("icons.svg"), name)


_CLOCK: Final = Markup(" data-clock")
_SECONDS: Final = Markup(" data-seconds")
_SHORT: Final = Markup(" data-short")


def day(text: str) -> str:
    """A date given as YYYY-MM-DD, with its weekday, in the reader's language."""
    return format_date(date.fromisoformat(text), "full", locale=str(current_language()))


def instant(text: str | None, *, seconds: bool = False, short: bool = False, clock: bool = False) -> Markup:
    """A time of the API for the reader, to the minute or second, or without its year; app.js makes it local.

    Short times are for lists: app.js shows how long ago they were, and after a day their date. `clock`: without the
    date, which stands above.
    """
    if text is None:
        return Markup("–")
    at = datetime.fromisoformat(text).astimezone(UTC)
    utc_date, utc_time = at.isoformat(" ")[:19].split(" ")
    shown = at.astimezone(current_zone())
    on = f"{shown.day}{_DAY_ENDS[current_language()]} {_months(current_language())[shown.month]}"
    time = f"{shown:%H:%M:%S}" if seconds else f"{shown:%H:%M}"
    if clock:
        text = f"{time} {shown.tzname()}"
    else:
        text = f"{on}, {time}" if short else f"{on} {shown.year}, {time} {shown.tzname()}"
    # With %, because Markup.format() takes longer than everything else here. HTML allows no microseconds.
    return Markup('<time datetime="%s" title="%s"%s>%s</time>') % (
        f"{utc_date}T{utc_time}.{at.microsecond // 1000:03}Z",
        f"{utc_date} {utc_time} UTC",
        _CLOCK if clock else _SECONDS if seconds else _SHORT if short else "",
        text,
    )


_DAY_ENDS: Final = {Language.ENGLISH: "", Language.GERMAN: "."}


@lru_cache
def _months(language: Language) -> Mapping[int, str]:
    """The short names of the months."""
    names: Mapping[int, str] = get_month_names("abbreviated", locale=str(language))
    return names


def reason(value: str | None) -> str:
    """A failure's reason as a phrase; a text that a person wrote stays as it is."""
    return gettext(phrase(value)) if value else ""
