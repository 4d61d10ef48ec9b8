"""The views of a list of orders, as tabs: all of them, and those of each status."""

from typing import Final, NamedTuple
from urllib.parse import urlencode

from oms.domain.vocabulary.wording import wording
from oms.platform.locale.language import gettext
from oms.web.pages.rendering.formatting import status_texts

_ALL: Final = wording("All")


class View(NamedTuple):
    """A tab. `number` of its orders is none: counting a status would cost a scan."""

    label: str
    address: str
    is_current: bool
    number: int | None = None


def status_views(address: str, selected: str | None, *, reader: str = "staff", **kept: str) -> list[View]:
    """The list at `address` by ?status=; `kept` are the other parameters, left out where empty."""
    texts = status_texts("order")
    labels = {value: text.for_customer if reader == "customer" else text.label for value, text in texts.items()}
    views = []
    for status, label in {"": _ALL, **labels}.items():
        query = urlencode({name: value for name, value in (*kept.items(), ("status", status)) if value})
        views.append(View(gettext(label), f"{address}?{query}" if query else address, status == (selected or "")))
    return views
