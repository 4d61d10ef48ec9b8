"""Media types of the API: which a client may send, and which of ours it prefers."""

from functools import lru_cache
from typing import Final

from starlette.requests import Request

from oms.web.errors.refusals import invalid

RESPONSE_JSON: Final = "application/graphql-response+json"
JSON: Final = "application/json"
EVENT_STREAM: Final = "text/event-stream"

_HTML: Final = "text/html"

_OFFERED: Final = (JSON, RESPONSE_JSON, EVENT_STREAM)
_OFFERED_TO_NEW: Final = (RESPONSE_JSON, JSON, EVENT_STREAM)
"""In our order of preference: clients that do not name the newer type may not know it."""

_MAX_CACHED_CHARACTERS: Final = 300
"""Of an Accept header; browsers' have about 100."""


def response_type(request: Request) -> str:
    """The media type to respond with. Raises RequestRefused(406) if the client accepts none of ours.

    Source: RFC 9110, 12.5.1; the most specific range gives a type its weight.
    """
    accept = ",".join(request.headers.getlist("accept"))
    return _cached_choice(accept) if len(accept) <= _MAX_CACHED_CHARACTERS else _choose(accept)


def _choose(accept: str) -> str:
    ranges = [_weighted(item) for item in accept.split(",") if item.strip()]
    if not ranges:
        return JSON
    named = {media_range for media_range, _ in ranges}
    offers = _OFFERED_TO_NEW if RESPONSE_JSON in named else _OFFERED
    best = max(offers, key=lambda offered: (_weight(offered, ranges), offered in named))
    if _weight(best, ranges) <= 0:
        raise invalid(f"The API responds with one of: {', '.join(_OFFERED)}.", status=406)
    return best


_cached_choice: Final = lru_cache(maxsize=256)(_choose)
"""Clients repeat the same header, and weighing it costs 7 µs."""


def refusal_type(request: Request) -> str:
    """The media type of a refusal: always JSON, even if the request's Accept can't be satisfied."""
    return RESPONSE_JSON if RESPONSE_JSON in request.headers.get("accept", "").lower() else JSON


def prefers_html(request: Request) -> bool:
    """Whether a person's browser asks: it names HTML, and likes it no less than JSON."""
    accept = ",".join(request.headers.getlist("accept"))
    ranges = [_weighted(item) for item in accept[:_MAX_CACHED_CHARACTERS].split(",") if item.strip()]
    named = any(media_range == _HTML for media_range, _ in ranges)
    return named and 0 < _weight(_HTML, ranges) >= _weight(JSON, ranges)


def _weighted(item: str) -> tuple[str, float]:
    media_range, *parameters = (part.strip().lower() for part in item.split(";"))
    weight = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
    try:
        return media_range, min(float(weight), 1.0)
    except ValueError:
        return media_range, 0.0


def _weight(offered: str, ranges: list[tuple[str, float]]) -> float:
    kind = offered.partition("/")[0]
    for candidate in (offered, f"{kind}/*", "*/*"):
        weights = [weight for media_range, weight in ranges if media_range == candidate]
        if weights:
            return max(weights)
    return 0.0


def require_json(request: Request) -> None:
    """Raises RequestRefused(415) unless the body is declared as JSON in UTF-8."""
    content_type = request.headers.get("content-type", "")
    if content_type == JSON:  # the usual form
        return
    media_type, _, parameters = content_type.partition(";")
    charset = parameters.lower().replace(" ", "").replace('"', "").partition("charset=")[2].partition(";")[0]
    if media_type.strip().lower() != JSON or charset not in ("", "utf-8", "utf8"):
        raise invalid(f"Content-Type must be {JSON}, in UTF-8.", status=415)
