"""Relay's connections over keyset pages, and objects that are found by their id."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, TypeVar

import strawberry

from oms.domain.vocabulary.paging import Page
from oms.schema.runtime.fields import NOTHING_MORE, OfList, attribute, object_type
from oms.schema.runtime.reads import Reads

T = TypeVar("T")
E = TypeVar("E")


@strawberry.interface
class Node:
    """Every object that has an id."""

    id: strawberry.ID = strawberry.field(description="Opaque and globally unique.")


NodeReader = Callable[[Reads, str], Awaitable[Any]]
NODE_READERS: Final[list[NodeReader]] = []
R = TypeVar("R", bound=NodeReader)


def node_reader(read: R) -> R:
    """Registers a function for Query.node. It returns None for the id of another type."""
    NODE_READERS.append(read)
    return read


@object_type(needs=NOTHING_MORE)
class PageInfo:
    """The place of a page in its list."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@object_type()
class Edge(Generic[T]):
    """An entry, and the cursor to continue after it."""

    cursor: str = attribute(needs=OfList.PAGE)
    node: T = attribute(needs=OfList.ENTRY)


@object_type()
class Connection(Generic[T]):
    """A page."""

    edges: list[Edge[T]] = attribute(needs=OfList.PAGE)
    nodes: list[T] = attribute(needs=OfList.ENTRY)
    page_info: PageInfo = attribute(needs=OfList.PAGE)


PAGE: Final = 20
"""Default number of entries of a page."""


def size(first: int | None, default: int = PAGE) -> int:
    """An explicit null means the default."""
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
