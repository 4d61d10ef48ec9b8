"""Media types of the API: what a client may send, and which of ours it would rather have."""

from functools import lru_cache
from typing import Final

from starlette.requests import Request

from oms.web.graphql.errors import invalid

RESPONSE_JSON: Final = "application/graphql-response+json"
JSON: Final = "application/json"
EVENT_STREAM: Final = "text/event-stream"

_OFFERED: Final = (JSON, RESPONSE_JSON, EVENT_STREAM)
_OFFERED_TO_NEW: Final = (RESPONSE_JSON, JSON, EVENT_STREAM)
"""In our order of preference: clients that do not name the newer type may not know it."""

_LONGEST_REMEMBERED: Final = 300
"""Characters of an Accept; browsers' have some 100."""


def answer_type(request: Request) -> str:
    """The media type to answer with. Raises RequestRefused(406) where the client takes none of ours.

    Source: RFC 9110, 12.5.1; the most specific range gives a type its weight.
    """
    accepted = ",".join(request.headers.getlist("accept"))
    return _remembered(accepted) if len(accepted) <= _LONGEST_REMEMBERED else _chosen(accepted)


def _chosen(accepted: str) -> str:
    ranges = [_weighed(item) for item in accepted.split(",") if item.strip()]
    if not ranges:
        return JSON
    named = {media_range for media_range, _ in ranges}
    offers = _OFFERED_TO_NEW if RESPONSE_JSON in named else _OFFERED
    best = max(offers, key=lambda offered: (_weight(offered, ranges), offered in named))
    if _weight(best, ranges) <= 0:
        raise invalid(f"Answers come as one of: {', '.join(_OFFERED)}.", status=406)
    return best


_remembered: Final = lru_cache(maxsize=256)(_chosen)
"""Clients say the same each time, and weighing it costs 7 µs."""


def refusal_type(request: Request) -> str:
    """The media type to refuse with, whatever else is wrong with the request: JSON always."""
    return RESPONSE_JSON if RESPONSE_JSON in request.headers.get("accept", "").lower() else JSON


def _weighed(item: str) -> tuple[str, float]:
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
    """Raises RequestRefused(415) unless the body says it is JSON in UTF-8."""
    content_type = request.headers.get("content-type", "")
    if content_type == JSON:  # as nearly everybody writes it
        return
    media_type, _, parameters = content_type.partition(";")
    charset = parameters.lower().replace(" ", "").replace('"', "").partition("charset=")[2].partition(";")[0]
    if media_type.strip().lower() != JSON or charset not in ("", "utf-8", "utf8"):
        raise invalid(f"Content-Type must be {JSON}, in UTF-8.", status=415)
