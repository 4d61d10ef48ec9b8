"""Adding a note."""

from uuid import UUID

from oms.domain.access.permissions import Viewer
from oms.domain.audit.model import Entry
from oms.domain.audit.record import record
from oms.domain.notes import store
from oms.domain.notes.model import NOTE_LENGTH, NOTES, Note
from oms.domain.notes.policy import NoteAction, NotePermission
from oms.domain.order.access import lock_for
from oms.domain.vocabulary.errors import refuse_all
from oms.domain.vocabulary.ids import note_id
from oms.domain.vocabulary.texts.checks import check_text
from oms.platform.db import Tx


async def add_note(tx: Tx, viewer: Viewer, order_id: UUID, text: str) -> Note:
    """Also on an order that is closed. Raises Refused: FORBIDDEN, INVALID, NOT_FOUND."""
    refuse_all(check_text(text, "text", max_length=NOTE_LENGTH))
    await lock_for(tx, viewer, order_id, NotePermission.ADD_NOTE)
    note = await store.add(tx, order_id, viewer.actor, text.strip())
    await record(tx, viewer, Entry(NoteAction.NoteAdded, note_id(order_id, note.number), order_id=order_id))
    tx.changes.topics.add(NOTES)
    return note
