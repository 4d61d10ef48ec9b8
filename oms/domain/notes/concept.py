"""Notes describe themselves."""

from typing import Final

from oms.domain.concept.declaration import Concept
from oms.domain.notes.policy import NoteAction, NotePermission
from oms.domain.notes.tables import order_notes

NOTES: Final = Concept(name="notes", tables=(order_notes,), permissions=(NotePermission,), audit_actions=(NoteAction,))
