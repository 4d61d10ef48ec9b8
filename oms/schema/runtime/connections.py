"""Relay's connections over keyset pages, and objects that are found by their id."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, Generic, TypeVar

import strawberry

from oms.domain.vocabulary.paging import MAX_PAGE_SIZE, Page
from oms.schema.runtime.fields import NOTHING_MORE, OfList, argument, attribute, object_type
from oms.schema.runtime.reading.reads import Reads

T = TypeVar("T")
E = TypeVar("E")


@strawberry.interface(description="Every object that can be found by its id.")
class Node:
    """Its id."""

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

    has_next_page: bool = attribute("Whether entries follow this page.")
    has_previous_page: bool = attribute("Whether entries were skipped: after was given.")
    start_cursor: str | None = attribute("Of the first entry; null if the page is empty.")
    end_cursor: str | None = attribute(
        "Of the last entry: pass it as after to get the next page. Null if the page is empty."
    )


@object_type()
class Edge(Generic[T]):
    """An entry, and the cursor to continue after it."""

    cursor: str = attribute("Pass it as after to continue behind this entry.", needs=OfList.PAGE)
    node: T = attribute("The entry itself.", needs=OfList.ENTRY)


@object_type()
class Connection(Generic[T]):
    """A page of a list, and how to continue."""

    edges: list[Edge[T]] = attribute("The entries, each with its cursor.", needs=OfList.PAGE)
    nodes: list[T] = attribute("The entries without their cursors.", needs=OfList.ENTRY)
    page_info: PageInfo = attribute("Where the list continues.", needs=OfList.PAGE)


First = Annotated[int | None, argument(f"Entries of the page, from 1 to {MAX_PAGE_SIZE}.")]
After = Annotated[str | None, argument("The cursor to continue behind: pageInfo.endCursor. Null: from the beginning.")]

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
        end_cursor=page.end or (edges[-1].cursor if edges else None),
    )
    return Connection(edges=edges, nodes=[edge.node for edge in edges], page_info=info)
