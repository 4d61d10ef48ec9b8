"""Notes that staff write on orders."""

from typing import Annotated, Final, Self
from uuid import UUID

import strawberry
from strawberry import Parent

from oms.domain.access.permissions import may
from oms.domain.notes import commands, model, queries
from oms.domain.notes.model import NOTE_LENGTH
from oms.domain.notes.policy import NotePermission
from oms.domain.notes.queries import NotePage
from oms.domain.vocabulary.ids import note_id
from oms.domain.vocabulary.paging import Page, cursor_of
from oms.platform.db import Tx
from oms.schema.order import Order, OrderId, order_key
from oms.schema.runtime.commands import run_command
from oms.schema.runtime.connections import PAGE, After, Connection, First, connection, size
from oms.schema.runtime.context import Info
from oms.schema.runtime.enums import Role
from oms.schema.runtime.errors import UserError
from oms.schema.runtime.fields import NOTHING_MORE, argument, attribute, extends, field, mutation, object_type
from oms.schema.runtime.reading.reads import BatchRead, Reads
from oms.schema.runtime.scalars import Instant

_NO_NOTES: Final[Page[model.Note]] = Page((), more=False)
NOTES_OF_ORDER: Final = BatchRead(queries.pages_of_orders, _NO_NOTES)


@object_type(needs=NotePermission.READ_NOTES)
class Note:
    """What a member of staff wrote about an order. Only staff know of it."""

    id: strawberry.ID = attribute("Opaque.")
    text: str | None = attribute("Null once the order's customer was erased.")
    author: str = attribute("The name of who wrote it.")
    author_role: Role = attribute("The role of who wrote it, then.")
    at: Instant = attribute("When it was written.")

    @classmethod
    def of(cls, note: model.Note) -> Self:
        if note.by.role is None:
            raise LookupError("a note by the system")
        return cls(
            id=strawberry.ID(note_id(note.order_id, note.number)),
            text=note.text,
            author=note.by.name,
            author_role=note.by.role,
            at=Instant(note.at),
        )


@extends(
    Order, "What staff wrote about the order, newest first. For managers and support.", needs=NotePermission.READ_NOTES
)
async def notes(order: Parent[Order], first: First = PAGE, after: After = None) -> Connection[Note] | None:
    page = await order.reads.load(NOTES_OF_ORDER, NotePage(order.seen.order.id, size(first), after))
    return connection(page, after=after, cursor=lambda note: note.cursor, node=Note.of)


@extends(Order, "Whether the viewer may add a note to it.", needs=NotePermission.READ_NOTES)
def viewer_can_add_note(order: Parent[Order]) -> bool | None:
    return may(order.reads.viewer, NotePermission.ADD_NOTE)


@object_type(needs=NOTHING_MORE)
class NotePayload:
    """The new note, or why there is none."""

    reads: strawberry.Private[Reads]
    key: strawberry.Private[tuple[UUID, int] | None]
    user_errors: list[UserError] = attribute("Why no note was added; empty if one was.")

    @field("As it was added; null with any error.", needs=NotePermission.READ_NOTES)
    async def note(self) -> Note | None:
        if self.key is None:
            return None
        order_id, number = self.key
        found = await self.reads.load(NOTES_OF_ORDER, NotePage(order_id, 1, cursor_of(str(number + 1))))
        return Note.of(found.entries[0]) if found.entries else None


@strawberry.type
class Mutations:
    """Commands on notes."""

    @mutation(
        f"Adds a note of at most {NOTE_LENGTH:,} characters to an order, also a closed one. It is kept as it is, until"
        " the order's customer is erased. For managers and support.",
        needs=NotePermission.ADD_NOTE,
    )
    async def add_note(
        self,
        info: Info,
        order_id: OrderId,
        text: Annotated[str, argument("Plain text, not empty.")],
    ) -> NotePayload:
        context = info.context

        async def act(tx: Tx) -> list[str | int]:
            note = await commands.add_note(tx, context.viewer, order_key(order_id), text)
            return [note.order_id.hex, note.number]

        added, errors = await run_command(info, act)
        key = (UUID(hex=added[0]), added[1]) if added else None
        return NotePayload(reads=context.fresh_reads(), key=key, user_errors=errors)
