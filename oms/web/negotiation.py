"""Media types of the API: what a client may send, and which of ours it would rather have."""

from typing import Final

from starlette.requests import Request

from oms.web.graphql_errors import invalid

RESPONSE_JSON: Final = "application/graphql-response+json"
JSON: Final = "application/json"
EVENT_STREAM: Final = "text/event-stream"

_OFFERED: Final = (RESPONSE_JSON, JSON, EVENT_STREAM)
"""In our order of preference, where the client has none."""


def answer_type(request: Request) -> str:
    """The media type to answer with. Raises RequestRefused(406) where the client takes none of ours.

    Source: RFC 9110, 12.5.1; the most specific range gives a type its weight.
    """
    ranges = [
        _weighed(item) for value in request.headers.getlist("accept") for item in value.split(",") if item.strip()
    ]
    if not ranges:
        return RESPONSE_JSON
    best = max(_OFFERED, key=lambda offered: _weight(offered, ranges))
    if _weight(best, ranges) <= 0:
        raise invalid(f"Answers come as one of: {', '.join(_OFFERED)}.", status=406)
    return best


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
    media_type, _, parameters = request.headers.get("content-type", "").partition(";")
    charset = parameters.lower().replace(" ", "").replace('"', "").partition("charset=")[2].partition(";")[0]
    if media_type.strip().lower() != JSON or charset not in ("", "utf-8", "utf8"):
        raise invalid(f"Content-Type must be {JSON}, in UTF-8.", status=415)
