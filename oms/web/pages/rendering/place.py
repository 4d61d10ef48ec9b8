"""Where a page of a list stands in it. Its address carries the place on (`at`), so that no page counts the whole."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Self
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

_MAX_BEFORE: Final = 10**9


class Place(NamedTuple):
    """`before` entries stand on earlier pages, `shown` on this one. `more` and `first`: addresses of other pages."""

    before: int
    shown: int
    more: str | None
    first: str | None

    @classmethod
    def of(cls, path: str, query: QueryParams, connection: Mapping[str, Any], **kept: str) -> Self:
        """`kept`: the filters that are on, which stay in the addresses."""
        after, at, info = query.get("after"), query.get("at", ""), connection["pageInfo"]
        before = min(int(at), _MAX_BEFORE) if after and at.isascii() and at.isdigit() else 0
        filters = {name: value for name, value in kept.items() if value}
        shown = len(connection["nodes"])
        more = filters | {"after": info["endCursor"], "at": before + shown}
        return cls(
            before, shown, _address(path, more) if info["hasNextPage"] else None,
            _address(path, filters) if after else None,
        )  # fmt: skip

    @property
    def knows_before(self) -> bool:
        """False on a page that was opened by an address without its place."""
        return self.first is None or self.before > 0


def _address(path: str, values: Mapping[str, Any]) -> str:
    return f"{path}?{urlencode(values)}" if values else path
