"""Pages of lists in the form of Relay's connections, by keyset."""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

import strawberry

from oms.domain.vocabulary.paging import Page

T = TypeVar("T")
E = TypeVar("E")


@strawberry.interface
class Node:
    """Whatever can be asked for by its id."""

    id: strawberry.ID = strawberry.field(description="Opaque and globally unique.")


@strawberry.type
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class Edge(Generic[T]):
    """An entry and the cursor to go on after it."""

    cursor: str
    node: T


@strawberry.type
class Connection(Generic[T]):
    """A page."""

    edges: list[Edge[T]]
    nodes: list[T]
    page_info: PageInfo


PAGE: Final = 20
"""Entries of a page where the client does not say."""


def size(first: int | None, default: int = PAGE) -> int:
    """An explicit null is the same as nothing said."""
    return default if first is None else first


def connection(
    page: Page[E], *, after: str | None, cursor: Callable[[E], str], node: Callable[[E], T]
) -> Connection[T]:
    edges = [Edge(cursor=cursor(entry), node=node(entry)) for entry in page.entries]
    info = PageInfo(
        has_next_page=page.more,
        has_previous_page=after is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges=edges, nodes=[edge.node for edge in edges], page_info=info)
